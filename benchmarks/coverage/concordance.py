"""How often intervals of a C index hold, and how often two equal models of a time are told apart.

Two models score a hidden hazard with noise; part of the noise is a patient's own. Follow-up ends at
random, sooner where the hazard is high, or early for everybody. Three fits score a third each, so
pairs lie within a fit. The true C is that of the same scores and the same follow-up, as Harrell's
limit depends on it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from simulation import PAIR, Patients, Row, Simulation, judge_pair, name_shares, number_patients

from skiagram.seeding import stream
from skiagram.statistics.linearised import Linearised
from skiagram.statistics.survival import harrell_concordance

Floats = NDArray[np.float64]
OWN_NOISE = 0.7  # share of a score's noise that all images of a patient have
EVERY, IMAGES = 20, 10  # every 20th patient has so many images where few have most
FITS, TRUTH_SETS, TRUTH_PATIENTS = 3, 24, 800
FOLLOW_UP = {"at random": 1.2, "sooner with risk": 1.2, "early": 0.8}


@dataclass(frozen=True)
class TimeDesign(Patients):
    """Patients, images of each, end of follow-up, and how well both models tell the hazard."""

    follow_up: str
    strength: tuple[float, float]

    @property
    def title(self) -> str:
        return f"{self.described}, {self.follow_up}, {'equal' if self.is_equal else 'one better'}"

    @property
    def is_equal(self) -> bool:
        """Return whether both models tell the hazard equally well."""
        return self.strength[0] == self.strength[1]


DESIGNS = tuple(
    TimeDesign(patients, images, follow_up, strength)
    for patients, images in ((50, 1), (100, 1), (300, 1), (60, 3), (200, None))
    for follow_up in FOLLOW_UP
    for strength in ((0.6, 0.6), (0.8, 0.4))
)


def draw(
    design: TimeDesign, patients: int, images: int | None, fits: int, generator: np.random.Generator
) -> tuple[tuple[Linearised, Linearised], float]:
    """Return C of both models on new patients, and the share of events."""
    hazard, *of_models = generator.normal(size=(3, patients))
    patient = number_patients(patients, images, EVERY, IMAGES)
    time = generator.exponential(np.exp(-hazard))
    end = generator.exponential(FOLLOW_UP[design.follow_up], size=patients)
    if design.follow_up == "sooner with risk":
        end *= np.exp(-0.8 * hazard)
    if design.follow_up == "early":
        end = generator.uniform(0.1, FOLLOW_UP["early"], size=patients)
    event = (time <= end)[patient]
    seen, fit = np.minimum(time, end)[patient], generator.integers(fits, size=patients)[patient]
    areas = []
    for strength, of_patient in zip(design.strength, of_models, strict=True):
        single = generator.normal(size=len(patient))
        noise = OWN_NOISE * of_patient[patient] + np.sqrt(1 - OWN_NOISE**2) * single
        score = strength * hazard[patient] + np.sqrt(1 - strength**2) * noise
        areas.append(harrell_concordance(score, seen, event, fit, patient))
    return (areas[0], areas[1]), float(event.mean())


def simulate(design: TimeDesign, simulations: int, *again: str) -> Row:
    """Return shares (held, held of the difference, told apart), and share of events and both C."""
    generator = stream(0, "concordance", design.title, *again)
    large = [draw(design, TRUTH_PATIENTS, 1, 1, generator)[0] for _ in range(TRUTH_SETS)]
    true = np.mean([[area.value for area in areas] for areas in large], axis=0)
    shares, events = np.zeros(3), 0.0
    for _ in range(simulations):
        areas, seen = draw(design, design.patients, design.images, FITS, generator)
        shares += judge_pair(areas, true.tolist())
        events += seen
    return {
        "patients, follow-up, models": design.title,
        "events": f"{events / simulations:.2f}",
        "true C": " and ".join(f"{value:.2f}" for value in true),
        **name_shares(PAIR, shares / simulations),
    }


TABLES = (
    Simulation(
        "c-indices-of-a-time-to-an-event",
        DESIGNS,
        simulate,
        0.25,
        lambda design, row: design.is_equal and row["told apart %"] > 0.05,
    ),
)
