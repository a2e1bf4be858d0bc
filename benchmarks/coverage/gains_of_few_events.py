"""How often intervals of what a model gains hold where few patients have the event.

Gains in the Brier score of a time to an event, over one curve for all, and of a class, over another
model. A few patients make most of the gain, so that it is lopsided. Patients with several images
have the same time and risk in all of them. The net benefit of such times is of the same few.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from simulation import Row, Simulation, holds, name_shares

from skiagram.seeding import stream
from skiagram.statistics.linearised import gained_share, mean_gain, weighed_difference
from skiagram.statistics.survival import (
    end_of_follow_up,
    integrated_brier_terms,
    kaplan_meier,
    positives_at,
)

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Labels = NDArray[np.int64]
HORIZON = 2.0
GRID = np.linspace(0.25, HORIZON, 8)
FEWEST_EVENTS = 3  # with fewer a data set is drawn again
MANY = 1_000_000  # patients by whom a true figure is set
COLUMNS = ("held", "truth below", "truth above", "held, normal")


@dataclass(frozen=True)
class EventDesign:
    """Patients who have an event at some rate, and what the model makes of their log hazard.

    Attributes:
        hazard: Its deviation.
        told: By which factor the model takes it; None: it has that of somebody else.
        most: Images of a patient, from one to these.
    """

    patients: int
    rate: float
    hazard: float = 1.0
    told: float | None = 1.0
    most: int = 1

    @property
    def title(self) -> str:
        """Return the design in words."""
        images = f", 1 to {self.most} images" if self.most > 1 else ""
        model = {1.0: "right", None: "of others"}.get(self.told, "too far apart")
        told = f"log hazard ± {self.hazard:g}, risks {model}"
        return f"time, {self.patients} patients{images}, {self.rate:g} events a year, {told}"

    def draw_hazards(self, patients: int, generator: np.random.Generator) -> tuple[Floats, Floats]:
        """Return the hazards of patients, and those that the model tells."""
        trait, other = self.hazard * generator.normal(size=(2, patients))
        told = other if self.told is None else self.told * trait
        return self.rate * np.exp(trait), self.rate * np.exp(told)

    def draw(self, generator: np.random.Generator) -> tuple[Floats, Flags, Floats, Labels]:
        """Return times, events, survival as the model tells it, and patients, of images."""
        while True:
            true, told = self.draw_hazards(self.patients, generator)
            time, end = generator.exponential(1 / true), generator.uniform(1, 4, size=len(true))
            seen, event = np.minimum(time, end), time <= end
            happened = (event & (seen <= HORIZON)).sum()
            follow_up = end_of_follow_up(kaplan_meier(seen, event))
            if happened >= FEWEST_EVENTS and follow_up >= HORIZON:
                break
        of_each = generator.integers(1, self.most + 1, size=self.patients)
        patient = np.repeat(np.arange(self.patients), of_each)
        return seen[patient], event[patient], np.exp(-told[patient, None] * GRID), patient

    def draw_gains(self, generator: np.random.Generator) -> tuple[Floats, Labels, Labels]:
        """Return gains of images, who had the event by the horizon, and patients."""
        time, event, survival, patient = self.draw(generator)
        curve = np.broadcast_to(kaplan_meier(time, event).at(GRID), survival.shape)
        plain = integrated_brier_terms(curve, time, event, GRID)
        gain = plain - integrated_brier_terms(survival, time, event, GRID)
        return gain, np.where(event & (time <= HORIZON), 1, -1), patient

    def truth(self, generator: np.random.Generator) -> float:
        """Return the true gain."""
        true, told = (np.exp(-each[:, None] * GRID) for each in self.draw_hazards(MANY, generator))
        error = (true * (1 - told) ** 2 + (1 - true) * told**2).mean(axis=0)
        plain = true.mean(axis=0) * (1 - true.mean(axis=0))
        return float(np.trapezoid(plain - error, GRID) / (GRID[-1] - GRID[0]))


@dataclass(frozen=True)
class ClassDesign:
    """Patients of whom a share is positive, and how far apart two models hold the classes."""

    patients: int
    share: float
    apart: tuple[float, float]

    @property
    def title(self) -> str:
        """Return the design in words."""
        first, other = self.apart
        return f"class, {self.patients} patients, {first:g} and {other:g} apart"

    def draw_many(self, patients: int, generator: np.random.Generator) -> tuple[Floats, Flags]:
        """Return what each patient adds to the difference, and who is positive."""
        positive = generator.random(patients) < self.share
        shared, own = generator.normal(size=(2, patients))
        errors = []
        for apart, noise in zip(self.apart, (shared, (shared + np.sqrt(3) * own) / 2), strict=True):
            odds = apart * (noise + apart * (positive - 0.5))
            errors.append((expit(logit(self.share) + odds) - positive) ** 2)
        return errors[0] - errors[1], positive

    def draw_gains(self, generator: np.random.Generator) -> tuple[Floats, Labels, Labels]:
        """Return differences of patients, who is positive, and patients."""
        while True:
            gain, positive = self.draw_many(self.patients, generator)
            if positive.sum() >= FEWEST_EVENTS:
                return gain, positive.astype(np.int64), np.arange(self.patients)

    def truth(self, generator: np.random.Generator) -> float:
        """Return the true difference."""
        return float(np.mean([self.draw_many(MANY, generator)[0].mean() for _ in range(4)]))


GAINS = (
    EventDesign(60, 0.05),
    EventDesign(100, 0.03),
    EventDesign(300, 0.012),
    EventDesign(200, 0.025),
    EventDesign(100, 0.05, told=1.8),
    EventDesign(100, 0.05, told=None),
    EventDesign(100, 0.05, 2.0),
    EventDesign(200, 0.3),
    EventDesign(100, 0.03, most=3),
    ClassDesign(200, 0.04, (1.8, 1.0)),
    ClassDesign(200, 0.04, (1.2, 1.2)),
    ClassDesign(1000, 0.01, (2.0, 1.0)),
    ClassDesign(100, 0.1, (2.0, 1.0)),
    ClassDesign(200, 0.3, (1.5, 1.0)),
)


def simulate_gains(design: EventDesign | ClassDesign, simulations: int) -> Row:
    """Return how often the gain is held, and how often by its variance and a normal quantile."""
    generator = stream(0, "gains of few events", design.title)
    true, counts, patients = design.truth(generator), np.zeros(len(COLUMNS)), 0
    for _ in range(simulations):
        gain, kind, patient = design.draw_gains(generator)
        estimate = mean_gain(gain[None], patient, kind).estimate()
        normal = gained_share(gain[None], patient).variation.half_width
        low, high = estimate.low or 0.0, estimate.high or 0.0
        missed = true < low, true > high
        counts += [holds(estimate, true), *missed, abs(gain.mean() - true) <= normal]
        patients += len(np.unique(patient[kind == 1]))
    return {
        "design": design.title,
        "with the event": f"{patients / simulations:.1f}",
        **name_shares(COLUMNS, counts / simulations),
    }


ACTED = tuple(
    (EventDesign(patients, rate, most=most), threshold)
    for patients, rate, most, thresholds in (
        (60, 0.05, 1, (0.1, 0.2, 0.4)),
        (100, 0.03, 1, (0.05, 0.2, 0.3)),
        (300, 0.012, 1, (0.05, 0.1, 0.2)),
        (200, 0.025, 1, (0.05, 0.2, 0.3)),
        (200, 0.3, 1, (0.2, 0.6, 0.8)),
        (100, 0.03, 3, (0.05, 0.1, 0.2)),
    )
    for threshold in thresholds
)


def simulate_benefit(acted: tuple[EventDesign, float], simulations: int) -> Row:
    """Return how often net benefit is held, and how often by its variance and a normal quantile."""
    design, threshold = acted
    generator = stream(0, "net benefit of few events", design.title, str(threshold))
    risk, told = (1 - np.exp(-HORIZON * each) for each in design.draw_hazards(MANY, generator))
    odds = threshold / (1 - threshold)
    true = float(((risk - odds * (1 - risk)) * (told >= threshold)).mean())
    counts, drawn = np.zeros(len(COLUMNS)), 0
    while drawn < simulations:
        time, event, survival, patient = design.draw(generator)
        risk = 1 - survival[:, -1]
        shares = positives_at(risk, time, event, HORIZON, threshold, patient)
        estimate = weighed_difference(*shares, (1.0, odds))
        if estimate.value is None or len(np.unique(patient[risk >= threshold])) < 2:
            continue
        worth = shares[0].influence - odds * shares[1].influence
        normal = gained_share(worth, patient).variation.half_width
        low, high = estimate.low or 0.0, estimate.high or 0.0
        missed = true < low, true > high
        counts += [holds(estimate, true), *missed, abs(estimate.value - true) <= normal]
        drawn += 1
    return {
        "design": design.title,
        "threshold": f"{threshold:g}",
        "true": f"{true:.4f}",
        **name_shares(COLUMNS, counts / simulations),
    }


TABLES = (
    Simulation("gains-of-few-events", GAINS, simulate_gains),
    Simulation("net-benefit-of-few-events", ACTED, simulate_benefit),
)
