"""Intervals of an AUC and decisions at a threshold, and differences between two equal models.

Data are drawn from normal densities, so every true figure is known: a positive's score is shifted
by d, AUC = Φ(d / √2). Patients with several images share half of the variance. Each data set is
new; resamples are drawn `POOL` times a design and take turns, which leaves the chance of covering
the truth as it is and saves most of the time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from simulation import Row, Simulation, name_shares, separation

from skiagram.evaluation.metrics import estimate_balanced_accuracy
from skiagram.seeding import stream
from skiagram.statistics.bootstrap import (
    LEVELS,
    PatientDraws,
    bca_interval,
    draw_patients,
)
from skiagram.statistics.delong import auc_of_scores
from skiagram.statistics.discrimination import roc_auc
from skiagram.statistics.proportions import proportion
from skiagram.statistics.variation import Z

Floats = NDArray[np.float64]
AUCS = (0.7, 0.85, 0.95)
POOL = 10
REPLICATES = 1000
SHARED = 0.5  # of the noise, by the images of a patient; by two models, of every image
METHODS = ("logit DeLong", "plain DeLong", "percentile", "BCa")
PATIENTS = "positive + negative patients"
DECISIONS = ("sensitivity, Wilson by patient", "balanced accuracy, of Wilson’s")
TESTS = ("paired DeLong", "bootstrap standard error")


@dataclass(frozen=True)
class Design:
    """Patients of either class and images of each; the positives stand first."""

    positives: int
    negatives: int
    images: int

    @property
    def title(self) -> str:
        """Return the design in words."""
        patients = f"{self.positives} + {self.negatives}"
        return f"{patients} patients, {self.images} images each" if self.images > 1 else patients

    @property
    def patient(self) -> NDArray[np.int64]:
        """Return (n,) the patient of each image."""
        return np.repeat(np.arange(self.positives + self.negatives), self.images)

    @property
    def positive(self) -> NDArray[np.bool_]:
        """Return (n,) the true class of each image."""
        return self.patient < self.positives

    def noise(self, generator: np.random.Generator) -> Floats:
        """Draw (n,) standard normal noise."""
        of_images = generator.normal(size=len(self.patient))
        if self.images == 1:
            return of_images
        shared = generator.normal(size=self.positives + self.negatives)[self.patient]
        mixed: Floats = np.sqrt(SHARED) * shared + np.sqrt(1 - SHARED) * of_images
        return mixed


DESIGNS = (Design(10, 10, 1), Design(42, 114, 1), Design(100, 400, 1), Design(40, 60, 3))


@cache
def resamples(design: Design) -> list[PatientDraws]:
    """Return the pool of resamples of a design."""
    smallest = min(design.positives, design.negatives)
    return [draw_patients(design.patient, smallest, REPLICATES, seed) for seed in range(POOL)]


def bootstrap_intervals(
    score: Floats, design: Design, draws: PatientDraws
) -> Iterator[tuple[float, float]]:
    """Yield the percentile and the BCa interval of an AUC; the former where BCa is undefined."""
    area = partial(roc_auc, score, design.positive)
    values = np.concatenate([area(block) for block in draws.weights()])
    values = values[np.isfinite(values)]
    jackknife = np.concatenate([area(block) for block in draws.left_out()])
    simple = tuple(np.quantile(values, LEVELS).tolist())
    yield simple
    yield bca_interval(float(area(np.ones((1, len(score))))[0]), values, jackknife) or simple


def auc_intervals(score: Floats, design: Design, draws: PatientDraws) -> Floats:
    """Return (4, 2) the intervals of `METHODS`."""
    placed = auc_of_scores(score[None], design.positive, design.patient)
    logit, half = placed.estimate(), Z * np.sqrt(placed.variance())
    plain = (placed.value - half, placed.value + half)
    rows = [(logit.low, logit.high), plain, *bootstrap_intervals(score, design, draws)]
    return np.array(rows, dtype=np.float64)


def coverage(of: tuple[Design, float], simulations: int) -> Row:
    """Return the share of intervals of `METHODS` that hold the AUC."""
    design, auc = of
    pool = resamples(design)
    generator = stream(0, "coverage", design.title, str(auc))
    held = np.zeros(len(METHODS))
    for k in range(simulations):
        score = design.noise(generator) + separation(auc) * design.positive
        low, high = auc_intervals(score, design, pool[k % POOL]).T
        held += (low <= auc) & (auc <= high)
    shares = name_shares(METHODS, held / simulations)
    return {PATIENTS: design.title, "true AUC": f"{auc:g}", **shares}


def decisions_covered(design: Design, simulations: int) -> Row:
    """Return how often intervals of sensitivity and of balanced accuracy hold the truth.

    Cases are called positive halfway between classes of AUC .85; both figures are then Φ(d / 2).
    """
    generator = stream(0, "decisions", design.title)
    distance = separation(0.85)
    true, positive = float(norm.cdf(distance / 2)), design.positive
    label, held = positive.astype(np.int64), np.zeros(2)
    for _ in range(simulations):
        called = design.noise(generator) + distance * positive >= distance / 2
        right = called[positive].astype(np.float64)
        estimates = (
            proportion(right, design.patient[positive]),
            estimate_balanced_accuracy(called[None].astype(np.int64), label, 2, design.patient),
        )
        held += [(one.low or 0.0) <= true <= (one.high or 0.0) for one in estimates]
    return {PATIENTS: design.title, **name_shares(DECISIONS, held / simulations)}


def false_positives(design: Design, simulations: int) -> Row:
    """Return how often `TESTS` call two equal models of AUC .85 different at 5 %."""
    generator, pool = stream(0, "null", design.title), resamples(design)
    rejected = np.zeros(len(TESTS))
    distance = separation(0.85)
    for k in range(simulations):
        shared = design.noise(generator)
        one, two = (
            np.sqrt(SHARED) * shared
            + np.sqrt(1 - SHARED) * design.noise(generator)
            + distance * design.positive
            for _ in range(2)
        )
        rejected += _told_apart(one, two, design, pool[k % POOL])
    return {PATIENTS: design.title, **name_shares(TESTS, rejected / simulations)}


def _told_apart(one: Floats, two: Floats, design: Design, draws: PatientDraws) -> list[bool]:
    positive, patient = design.positive, design.patient
    first, second = (auc_of_scores(each[None], positive, patient) for each in (one, two))
    exact = (first - second).estimate()
    areas = [
        np.concatenate([roc_auc(each, positive, block) for block in draws.weights()])
        for each in (one, two)
    ]
    spread = float(np.nanstd(areas[0] - areas[1], ddof=1))
    return [
        not (exact.low or 0.0) <= 0 <= (exact.high or 0.0),
        abs(first.value - second.value) > Z * spread,
    ]


TABLES = (
    Simulation("intervals-of-an-auc", tuple(product(DESIGNS, AUCS)), coverage),
    Simulation("decisions-at-a-fixed-threshold-auc-85", DESIGNS, decisions_covered),
    Simulation("differences-found-between-two-equal-models-auc-85", DESIGNS, false_positives),
)
