"""How often intervals of κ of grades hold, and how often equal models of a grade are told apart.

Two models score a hidden severity with noise, part of which the images of a patient share; grades
are its ranges, and each model's scores are cut such that its grades have the shares of the given
ones, as `Grade.calibrate` cuts them. The true κ is that of many patients with one image each.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from simulation import PAIR, Patients, Row, Simulation, draw_noise, judge_pair, name_shares

from skiagram.seeding import stream
from skiagram.statistics.agreement import quadratic_kappa
from skiagram.statistics.linearised import Linearised

Floats = NDArray[np.float64]
SHARED = 0.5  # of a score's noise, and of the severity, by the images of a patient
TRUTH_PATIENTS = 400_000
SHARES: dict[str, tuple[float, ...]] = {
    "3 even grades": (1 / 3, 1 / 3, 1 / 3),
    "5 grades": (0.12, 0.21, 0.45, 0.13, 0.09),
    "4 grades, one rare": (0.5, 0.32, 0.15, 0.03),
}
STRENGTHS = ((0.6, 0.6), (0.9, 0.9), (0.7, 0.5))  # correlation of both scores with the severity


@dataclass(frozen=True)
class GradeDesign(Patients):
    """Patients with one image each, with three, or of whom every 20th has 25."""

    shares: str
    strength: tuple[float, float]

    @property
    def title(self) -> str:
        models = "equal" if self.is_equal else "one better"
        return f"{self.described}, {self.shares}, {models}"

    @property
    def is_equal(self) -> bool:
        """Return whether both models tell the severity equally well."""
        return self.strength[0] == self.strength[1]


DESIGNS = tuple(
    GradeDesign(patients, images, shares, strength)
    for patients, images in ((50, 1), (100, 1), (300, 1), (60, 3), (100, None), (400, None))
    for shares in SHARES
    for strength in STRENGTHS
)


def draw(
    patient: NDArray[np.int64], design: GradeDesign, generator: np.random.Generator
) -> tuple[Linearised, Linearised]:
    """Return κ of both models on new patients."""
    cuts = norm.ppf(np.cumsum(SHARES[design.shares])[:-1])
    severity = draw_noise(patient, SHARED, generator)
    given: Floats = 1.0 + np.searchsorted(cuts, severity).astype(np.float64)
    kappas = []
    for strength in design.strength:
        noise = draw_noise(patient, SHARED, generator)
        score = strength * severity + np.sqrt(1 - strength**2) * noise
        predicted: Floats = 1.0 + np.searchsorted(cuts, score).astype(np.float64)
        kappas.append(quadratic_kappa(predicted, given, patient))
    return kappas[0], kappas[1]


def simulate(design: GradeDesign, simulations: int, *again: str) -> Row:
    """Return shares (held, held of the difference, told apart), and both true κ."""
    generator = stream(0, "grade agreement", design.title, str(design.strength), *again)
    first, second = draw(np.arange(TRUTH_PATIENTS), design, generator)
    true = first.value, second.value
    if design.is_equal:
        true = (sum(true) / 2,) * 2
    shares = np.zeros(3)
    for _ in range(simulations):
        shares += judge_pair(draw(design.patient, design, generator), true)
    return {
        "patients, grades, models": design.title,
        "true κ": " and ".join(f"{value:.2f}" for value in true),
        **name_shares(PAIR, shares / simulations),
    }


TABLES = (
    Simulation(
        "agreement-of-grades",
        DESIGNS,
        simulate,
        0.5,
        lambda design, row: design.is_equal and row["told apart %"] > 0.05,
    ),
)
