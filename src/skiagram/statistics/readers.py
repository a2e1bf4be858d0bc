"""The mean of several readers, a sample of others as patients are.

The interval is of other readers and other patients of the same kind (Obuchowski & Rockette 1995,
with the degrees of freedom of Hillis 2007).
"""

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from skiagram.arrays import Floats
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.linearised import Linearised, combination
from skiagram.statistics.variation import Variation, join_degrees, overlap_factor


class ReaderMean(NamedTuple):
    """A mean over readers."""

    value: float
    variation: Variation
    between: float


METHOD = "Obuchowski–Rockette, readers and patients random"


def mean_over_readers(
    figure: Floats,
    covariance: Floats,
    case_degrees: float = np.inf,
    trainings: Variation | None = None,
) -> ReaderMean:
    """Average a figure over readers who are a sample of others, on cases that are one too.

    The variance is (MS + r max(cov, 0)) / r: MS the mean square between the r readers, cov the mean
    covariance of two readers' figures on the same cases. Its degrees of freedom are Hillis's (2007,
    *Statistics in Medicine* 26:596, eq. 9 for a single modality), (r − 1) (MS + r cov)² / MS²;
    with differences of two modalities as figures it is his test of these.

    Args:
        figure: (r,) a figure a reader, r ≥ 2.
        covariance: (r, r) of the figures over patients, the readers given.
        trainings: What trainings of a model add to every figure alike; None without one.
    """
    # Parts of the variance: readers, patients that all readers share, and trainings.
    readers = len(figure)
    between = float(figure.var(ddof=1))
    mean_variance = float(np.diag(covariance).mean())
    shared = float(covariance[~np.eye(readers, dtype=np.bool_)].mean())
    cases = max(shared, 0.0)
    seed = trainings.variance if trainings else 0.0
    # Degrees of freedom of the sum: few readers weigh most.
    parts = [(between / readers, readers - 1.0), (cases, case_degrees)]
    if trainings:
        parts.append((seed, trainings.degrees))
    variation = Variation(sum(part for part, _ in parts), join_degrees(parts), seed)
    # How readers differ, beyond what the same cases make of them.
    return ReaderMean(
        float(figure.mean()), variation, float(np.sqrt(max(0.0, between - mean_variance + shared)))
    )


def covariance_of_readers(figures: Sequence[Linearised]) -> Floats:
    """Estimate (r, r) the covariance, over patients, of AUCs or of differences of AUCs.

    By DeLong's placements, clustered by patient: cov(x, y) = (var(x + y) − var(x − y)) / 4. A
    figure is a mean over repeats. Where a repeat's fits share training cases, the covariance is
    that of a single repeat, widened as the interval of one model is.
    """
    # Repeats of a cross-validation are looked at one by one.
    folds, repeats = figures[0].folds, len(figures[0].values)
    single_repeats = [tuple(figures)]
    if folds:
        single_repeats = list(zip(*(figure.single() for figure in figures), strict=True))
    covariances = []
    for repeat_figures in single_repeats:
        covariance = np.diag([figure.variance() for figure in repeat_figures])
        # A covariance follows from the variances of sum and difference.
        for k, j in combinations(range(len(repeat_figures)), 2):
            figure, other = repeat_figures[j], repeat_figures[k]
            total, apart = (combination([(1.0, figure), (sign, other)]) for sign in (1.0, -1.0))
            covariance[j, k] = covariance[k, j] = (total.variance() - apart.variance()) / 4
        covariances.append(covariance)
    # Folds share cases for learning, so their mean is less sure than it looks.
    widened: Floats = (overlap_factor(folds, repeats) if folds else 1.0) * np.mean(
        covariances, axis=0
    )
    return widened


def mean_of_readers(
    figures: Sequence[Linearised], trainings: Variation | None = None
) -> ReaderMean:
    """Average AUCs, or differences of AUCs, a reader each.

    Args:
        figures: Of two or more readers on the same cases.
        trainings: What trainings of a model add to every figure alike; None without one.
    """
    return mean_over_readers(
        np.array([figure.value for figure in figures]),
        covariance_of_readers(figures),
        figures[0].degrees,
        trainings,
    )


def model_against_readers(model: Linearised, readers: Sequence[Linearised]) -> ReaderMean:
    """Average the AUC of a model minus that of each reader.

    What the seed of a model adds is the same in every difference: more readers do not lessen it.

    Args:
        model: Its AUC, repeat by repeat.
        readers: AUCs on the same cases.
    """
    differences = [combination([(1.0, model), (-1.0, reader)]) for reader in readers]
    repeats = len(model.values)
    if model.folds or repeats < 2:
        return mean_of_readers(differences)
    seed = float(model.values.var(ddof=1)) / repeats
    return mean_of_readers(differences, Variation(seed, repeats - 1))


def estimate_of_readers(mean: ReaderMean, least: float) -> Estimate:
    """Estimate a mean over readers with its interval, from `least` to 1.

    Args:
        mean: With its variation.
        least: 0 of an AUC, −1 of a difference.
    """
    if mean.variation.variance <= 0:
        return Estimate(mean.value, method="no interval: no spread can be seen")
    half_width = mean.variation.half_width
    return Estimate(
        mean.value, max(least, mean.value - half_width), min(1.0, mean.value + half_width), METHOD
    )
