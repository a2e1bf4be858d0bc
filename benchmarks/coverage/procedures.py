"""False findings between equal procedures: a choice among models, overlapping folds, other seeds.

Two arms are equally good; a test at 5 % should call either one better in at most 2.5 % of the data
sets. Models are chosen and compared as the pipeline does it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from simulation import Row, Simulation, exceeds, separation

from skiagram.seeding import stream
from skiagram.statistics.delong import auc_of_scores
from skiagram.statistics.discrimination import roc_auc
from skiagram.statistics.linearised import Linearised, combination

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
PENALTY = 0.2  # on the diagonal of the pooled covariance


def area(score: Floats, positive: Flags) -> float:
    """Return the AUC."""
    return float(roc_auc(score, positive, np.ones((1, len(score))))[0])


def grouped(positive: Flags, folds: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Return (n,) folds with equal shares of both classes; every case is a patient."""
    fold = np.empty(len(positive), dtype=np.int64)
    for side in (positive, ~positive):
        rows = generator.permutation(np.flatnonzero(side))
        fold[rows] = np.arange(len(rows)) % folds
    return fold


def called(difference: Linearised) -> tuple[bool, bool]:
    """Return whether the pipeline's interval calls the first, or the second, better."""
    half = difference.variation.half_width
    return difference.value - half > 0, difference.value + half < 0


@dataclass(frozen=True)
class Choice:
    """Arms of so many equally good models with correlated scores; nothing is trained.

    Attributes:
        models: Number of models in either arm.
        correlation: Of two models' scores within a class.
    """

    models: tuple[int, int]
    correlation: float
    patients: int = 100
    folds: int = 3
    auc: float = 0.8


CHOICES = tuple(Choice(models, each) for models in ((1, 5), (1, 1)) for each in (0.77, 0.3))


def simulate_choice(design: Choice, simulations: int) -> Row:
    """Return the mean difference, and how often the first and the second are called better."""
    generator = stream(0, "choice", str(design.models), str(design.correlation))
    distance, counts = separation(design.auc), np.zeros(3)
    own = 1 - design.correlation
    for _ in range(simulations):
        positive = generator.permutation(design.patients) < design.patients // 2
        shared = np.sqrt(design.correlation) * generator.normal(size=design.patients)
        noise = generator.normal(size=(sum(design.models), design.patients))
        scores = distance * positive + shared + np.sqrt(own) * noise
        fold = grouped(positive, design.folds, generator)
        inner = measure_inner(scores, positive, fold)
        arms = slice(0, design.models[0]), slice(design.models[0], None)
        counts += compare_best(scores, inner, arms, positive, fold, design.folds)
    mean, first_better, second_better = counts / simulations
    return {
        "models per arm": f"{design.models[0]} + {design.models[1]}",
        "correlation": f"{design.correlation:g}",
        "mean difference": f"{mean:+.3f}",
        "first called better %": first_better,
        "second called better %": second_better,
    }


def measure_inner(scores: Floats, positive: Flags, fold: NDArray[np.int64]) -> Floats:
    """Return (models, folds) the AUC of each model beside each fold."""
    beside = [fold != k for k in range(fold.max() + 1)]
    return np.array([[area(one[rows], positive[rows]) for rows in beside] for one in scores])


def compare_best(
    scores: Floats,
    inner: Floats,
    arms: tuple[slice, slice],
    positive: Flags,
    fold: NDArray[np.int64],
    folds: int,
) -> tuple[float, bool, bool]:
    """Return the difference of two arms' best models, and whether either is called better.

    Args:
        scores: (models, n) of each case.
        inner: (models, folds) by which the model of a fold is chosen.
        arms: Which models are of the first and of the second arm.
        folds: Number of fits that overlap; 0 for one fit.
    """
    fit, patient = fold[None] if folds else None, np.arange(len(fold))
    first, second = (
        auc_of_scores(
            scores[part][inner[part].argmax(axis=0)[fold], patient][None],
            positive,
            patient,
            folds,
            fit,
        )
        for part in arms
    )
    difference = combination([(1.0, first), (-1.0, second)])
    return difference.value, *called(difference)


def discriminant(values: Floats, positive: Flags) -> tuple[Floats, float, float]:
    """Return the direction, the constant and the spread of its scores (Fisher 1936)."""
    means = values[positive].mean(axis=0), values[~positive].mean(axis=0)
    centred = values - np.where(positive[:, None], *means)
    covariance = centred.T @ centred / (len(values) - 2)
    weights = np.linalg.solve(covariance + PENALTY * np.eye(values.shape[1]), means[0] - means[1])
    constant = float(-(means[0] + means[1]) @ weights / 2)
    return weights, constant, float((values @ weights).std())


@dataclass(frozen=True)
class Seeds:
    """Two procedures that are equally good on average over seeds.

    Attributes:
        positives: Positive test patients.
        negatives: Negative test patients.
        spread: Standard deviation of the AUC over seeds, all patients in the world given.
        repeats: Trainings of either.
        auc: Mean AUC over seeds.
    """

    positives: int
    negatives: int
    spread: float
    repeats: int
    auc: float = 0.89


SEEDS = (
    Seeds(42, 114, 0.019, 1),
    Seeds(42, 114, 0.019, 5),
    Seeds(1000, 1000, 0.01, 2),
    Seeds(2500, 2500, 0.006, 1),
    Seeds(2500, 2500, 0.006, 5),
)
SHARED, OWN = 0.6, 0.2  # of the noise: by all fits, by the fits of one procedure


def simulate_seeds(design: Seeds, simulations: int) -> Row:
    """Return how often either is called better; of single fits, how often falsely."""
    generator = stream(0, "seeds", str(design))
    n = design.positives + design.negatives
    positive, patient = np.arange(n) < design.positives, np.arange(n)
    distance = separation(design.auc)
    slope = norm.pdf(distance / np.sqrt(2)) / np.sqrt(2)
    counts = np.zeros(2)
    for _ in range(simulations):
        shared = np.sqrt(SHARED) * generator.normal(size=n)
        pair, truths = [], []
        for _ in range(2):
            alike = shared + np.sqrt(OWN) * generator.normal(size=n)
            moved = distance + design.spread / slope * generator.normal(size=(design.repeats, 1))
            fits = np.sqrt(1 - SHARED - OWN) * generator.normal(size=(design.repeats, n))
            pair.append(auc_of_scores(moved * positive + alike + fits, positive, patient))
            truths.append(float(norm.cdf(moved / np.sqrt(2)).mean()))
        difference = combination([(1.0, pair[0]), (-1.0, pair[1])])
        first, second = called(difference)
        if difference.variation.scope == "fits":
            first, second = first and truths[0] <= truths[1], second and truths[1] <= truths[0]
        counts += first, second
    return {
        "positive + negative patients": f"{design.positives:,} + {design.negatives:,}",
        "spread of the AUC over seeds": f"{design.spread:g}",
        "trainings": design.repeats,
        "either called better %": counts.sum() / simulations,
    }


@dataclass(frozen=True)
class Contenders:
    """Classical models, networks and frozen encoders, all equally good; nothing is trained.

    Attributes:
        sealed: Whether the models are chosen on patients of their own (`holdout`), as many as those
            of the test; else within folds (`cv`).
        shared: Share of the noise of the scores that all models have in common.
        within: Further share that the models of one arm have in common.
        models: Models of each of the three arms.
    """

    sealed: bool
    shared: float
    within: float
    models: int = 3
    patients: int = 100
    folds: int = 3
    auc: float = 0.8


CONTENDERS = tuple(
    Contenders(sealed, *noise) for sealed in (False, True) for noise in ((0.5, 0.27), (0.1, 0.2))
)


def simulate_contenders(design: Contenders, simulations: int, *again: str) -> Row:
    """Return the mean difference, and how often the deep and the classical side are called better.

    The better of network and encoder, by scores that the reported labels do not enter, stands
    against the best classical model.
    """
    generator = stream(0, "contenders", str(design), *again)
    distance, counts = separation(design.auc), np.zeros(3)
    classical, deep = slice(design.models), slice(design.models, 3 * design.models)
    remaining = 1 - design.shared - design.within

    def draw() -> tuple[Flags, Floats]:
        positive = generator.permutation(design.patients) < design.patients // 2
        alike = np.sqrt(design.shared) * generator.normal(size=design.patients)
        of_arm = np.sqrt(design.within) * generator.normal(size=(3, 1, design.patients))
        noise = np.sqrt(remaining) * generator.normal(size=(3, design.models, design.patients))
        scores: Floats = distance * positive + alike + (of_arm + noise).reshape(-1, len(positive))
        return positive, scores

    for _ in range(simulations):
        positive, scores = draw()
        fold = np.zeros(design.patients, dtype=np.int64)
        if design.sealed:
            known, development = draw()
            inner = np.array([[area(one, known)] for one in development])
        else:
            fold = grouped(positive, design.folds, generator)
            inner = measure_inner(scores, positive, fold)
        folds = 0 if design.sealed else design.folds
        counts += compare_best(scores, inner, (deep, classical), positive, fold, folds)
    mean, deep_better, classical_better = counts / simulations
    return {
        "design": "holdout" if design.sealed else "cv",
        "correlation within and between arms": (
            f"{design.shared + design.within:.2g} and {design.shared:g}"
        ),
        "mean difference": f"{mean:+.3f}",
        "deep %": deep_better,
        "classical %": classical_better,
    }


TABLES = (
    Simulation("cross-validation-the-arm-with-more-models", CHOICES, simulate_choice, 0.75),
    Simulation(
        "a-network-or-a-frozen-encoder",
        CONTENDERS,
        simulate_contenders,
        0.75,
        exceeds(0.025, "deep %", "classical %"),
    ),
    Simulation("holdout-other-seeds", SEEDS, simulate_seeds),
)
