"""Intervals by resampling patients, for metrics without a closed form."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import scipy
from numpy.typing import NDArray

from skiagram.arrays import Floats, Whole
from skiagram.seeding import stream
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.score_intervals import join_with_wilson, wilson_interval
from skiagram.statistics.variation import (
    UPPER,
    Variation,
    Z,
    count_cases,
    degrees_of_freedom,
    over_folds,
    over_trainings,
    variance_of_mean,
)

LEVELS = (0.025, UPPER)
OF_A_SHARE, OF_A_CORRELATION, NO_LIMITS = (0.0, 1.0), (-1.0, 1.0), (-np.inf, np.inf)


def bca_interval(value: float, replicates: Floats, jackknife: Floats) -> tuple[float, float] | None:
    """Compute the 95 % BCa interval, or None where it is not defined.

    Second-order accurate: it corrects median bias and the skewness of the replicates (Efron 1987,
    *Better bootstrap confidence intervals*, eqs. 2.3 and 6.6).

    Args:
        replicates: (b,) the figure on the resamples, finite.
        jackknife: (j,) the figure without each patient, or group of patients, in turn; NaN where
            undefined.
    """
    # The share of resamples below the figure, equal ones by half.
    below = float(np.mean(replicates < value) + np.mean(replicates <= value)) / 2
    deviation = jackknife.mean() - jackknife
    spread = float((deviation**2).sum())
    if not 0 < below < 1 or not spread > 0:
        return None
    # Bias and acceleration shift the levels at which the resamples are read.
    bias = float(scipy.special.ndtri(below))
    acceleration = float((deviation**3).sum()) / (6 * spread**1.5)
    shifted = bias + scipy.special.ndtri(LEVELS)
    levels = scipy.special.ndtr(bias + shifted / (1 - acceleration * shifted))
    low, high = np.quantile(replicates, levels)
    return float(low), float(high)


Statistic = Callable[[Floats], Floats]
Kind = Literal["percentile", "BCa"]
_BLOCK = 4_000_000  # case weights; each statistic sorts the cases once a block
_GROUPS = 1_000
_MAX_INFLUENCES = 2_000


@dataclass(frozen=True)
class PatientDraws:
    """Resamples of patients with replacement; shared by all models, so comparisons are paired.

    Attributes:
        replicates: How many resamples.
        seed: Of their stream.
    """

    patient: Whole
    smallest_class: int
    replicates: int
    seed: int
    degrees: float = np.inf

    @cached_property
    def counts(self) -> NDArray[np.uint8]:
        """Draw (replicates, n_patients), how often each patient is in each resample.

        They are drawn when a figure first needs them, as they take most of the memory.
        """
        n_patients = int(self.patient.max()) + 1
        generator = stream(self.seed, "evaluation", "patients", n_patients)
        counts = np.empty((self.replicates, n_patients), dtype=np.uint8)
        for row in range(self.replicates):
            counts[row] = np.bincount(
                generator.integers(n_patients, size=n_patients), minlength=n_patients
            )
        return counts

    def weights(self) -> Iterator[Floats]:
        """Yield (b, n) case weights in blocks that bound the memory."""
        rows = max(1, _BLOCK // len(self.patient))
        for start in range(0, self.replicates, rows):
            yield self.counts[start : start + rows][:, self.patient].astype(np.float64)

    def left_out(self) -> Iterator[Floats]:
        """Yield (b, n) case weights that leave out one patient per row, or one group of many.

        More than 1,000 patients are left out in 1,000 groups, in bounded time. BCa's acceleration
        stays the same: groups have a smaller skewness and are fewer by as much.
        """
        rows = max(1, _BLOCK // len(self.patient))
        n_groups = min(self.counts.shape[1], _GROUPS)
        group = self.patient % n_groups
        for start in range(0, n_groups, rows):
            absent = np.arange(start, min(start + rows, n_groups))
            yield (group != absent[:, None]).astype(np.float64)


def draw_patients(
    patient: Whole,
    smallest_class: int,
    replicates: int,
    seed: int,
    degrees: float | None = None,
) -> PatientDraws:
    """Draw patients with replacement.

    Args:
        patient: (n,) from 0.
        smallest_class: Patients of the rarest class.
        replicates: How many resamples.
        seed: Of their stream.
        degrees: Degrees of freedom of a variance over these patients; None: those of all cases
            together, without regard to class.
    """
    freedom = degrees_of_freedom(patient) if degrees is None else degrees
    return PatientDraws(patient, smallest_class, replicates, seed, freedom)


@dataclass(frozen=True)
class MeanOverRepeats:
    """The mean of a statistic over the repeats of a model.

    Attributes:
        repeats: The statistic of each.
    """

    repeats: Sequence[Statistic]
    folds: int = 0

    def of_each(self, weights: Floats) -> Floats:
        """Compute (repeats, b) the statistic of each repeat."""
        return np.array([statistic(weights) for statistic in self.repeats])

    def __call__(self, weights: Floats) -> Floats:
        """Compute (b,) the mean over repeats."""
        averaged: Floats = self.of_each(weights).mean(axis=0)
        return averaged


def bootstrap_estimate(
    statistic: Statistic,
    draws: PatientDraws,
    *,
    limits: tuple[float, float] = OF_A_SHARE,
    kind: Kind = "BCa",
    most_cases: float = np.inf,
) -> Estimate:
    """Estimate a statistic with its 95 % bootstrap interval by patient.

    Resamples that lack a class are left out. A share of exactly 0 or 1 never varies, or one that
    jumps too little; its interval is Wilson's, as of a proportion among the patients of the rarest
    class. Where BCa is not defined
    (all replicates on one side of the figure, or a class with a single patient), the interval is
    the percentile one and its method says so.

    Where patients have several cases or a model was trained several times, both sides are
    lengthened by one factor: Student's quantile over the normal one, times the standard error with
    large patients' leverage (`variance_of_mean`) and with s²/R of the trainings, or with the
    overlap of their training sets, over that of the resamples.

    Args:
        statistic: Maps case weights (b, n) to (b,), NaN where undefined.
        limits: The least and the largest value that it can have.
        kind: "percentile" for a figure that jumps, as a share above a threshold that the resample
            sets: leaving out one case says nothing of its variance (Efron 1982, *The Jackknife, the
            Bootstrap and Other Resampling Plans*, §3.4), so resamples alone do.
        most_cases: Most independent cases that a patient of the rarest class may stand for, of a
            share; the interval is else lengthened as `join_with_wilson` has it.
    """
    # The figure of the cases as they are, each with weight 1.
    value = float(statistic(np.ones((1, len(draws.patient))))[0])
    if not np.isfinite(value):
        return Estimate(None, reason="a class has no case")
    # The same figure of each resample; where a class is absent it is not defined.
    values = np.concatenate([statistic(block) for block in draws.weights()])
    defined = np.isfinite(values)
    if defined.mean() < 0.5:
        return Estimate(value, method="no interval: too few patients of a class to resample")
    values = values[defined]
    # Resamples of a share at its bound all are equal: Wilson's interval has a width even there.
    is_bound = limits[0] == 0 and value in limits
    if is_bound and (kind == "percentile" or np.ptp(values) == 0):
        low, high = wilson_interval(value / limits[1], draws.smallest_class)
        low, high = limits[1] * low, limits[1] * high
        return Estimate(value, low, high, "Wilson on the patients of the rarest class")
    # Without a defined BCa interval the percentiles stand for it.
    jackknife, bounds = None, None
    if kind == "BCa":
        jackknife = np.concatenate([statistic(block) for block in draws.left_out()])
        bounds = bca_interval(value, values, jackknife)
    variation = _variation(statistic, draws, values, jackknife)
    method = ("percentile" if bounds is None else "BCa") + " bootstrap by patient" + variation.words
    low, high = map(float, np.quantile(values, LEVELS) if bounds is None else bounds)
    # Trainings, and few patients, make the interval longer on both sides, within its limits.
    if variation.scope == "procedure" or np.isfinite(variation.degrees):
        standard = Z * float(values.std(ddof=1))
        longer = variation.half_width / standard if variation.variance > 0 and standard > 0 else 1.0
        low, high = value - longer * (value - low), value + longer * (high - value)
        low, high = max(low, limits[0]), min(high, limits[1])
    # Few cases of the rarest class: no shorter than Wilson's interval of them.
    if 0 < value < 1:
        most = most_cases * draws.smallest_class
        low, high = join_with_wilson(
            (low, high), value, variation.variance, most, variation.quantile
        )
    return Estimate(value, low, high, method)


def bootstrap_difference(statistic: Statistic, draws: PatientDraws) -> Estimate:
    """Estimate a difference of two shares that jump, from the spread of resamples.

    For differences of equal models the percentiles of the resamples exclude 0 too often.

    Args:
        statistic: Maps case weights (b, n) to (b,), NaN where undefined.
    """
    # The difference of the cases as they are, then of each resample.
    value = float(statistic(np.ones((1, len(draws.patient))))[0])
    values = np.concatenate([statistic(block) for block in draws.weights()])
    values = values[np.isfinite(values)]
    if 2 * len(values) < draws.replicates:
        return Estimate(value, method="no interval: too few patients of a class to resample")
    # A normal interval of the resamples' spread, within the bounds of a difference.
    variation = _variation(statistic, draws, values, None)
    method = f"bootstrap standard error by patient{variation.words}"
    low, high = max(-1.0, value - variation.half_width), min(1.0, value + variation.half_width)
    return Estimate(value, low, high, method)


def _variation(
    statistic: Statistic, draws: PatientDraws, values: Floats, jackknife: Floats | None
) -> Variation:
    """Choose the variance of an interval: that of the resamples, or of the jackknife where wider.

    Where patients have several cases it is `variance_of_mean` of the influence of each case,
    (n − 1) (θ − θ without the case). Above 2,000 cases that takes too long, and the jackknife over
    patients stands alone.

    Args:
        statistic: Maps case weights (b, n) to (b,).
        values: (b,) the figure on them, finite.
        jackknife: (j,) the figure without each patient in turn; None of a figure that jumps.
    """
    # The spread of the resamples, or of the jackknife where that is wider.
    variance, n = float(values.var(ddof=1)), len(draws.patient)
    if jackknife is not None and np.isfinite(draws.degrees):
        if n > _MAX_INFLUENCES:
            left_out = jackknife[np.isfinite(jackknife)]
            clustered = (len(left_out) - 1) * float(left_out.var()) if len(left_out) else 0.0
            variance = max(variance, clustered)
        else:
            # What each case alone moves, in blocks that fit into memory.
            rows = max(1, _BLOCK // n)
            blocks = (np.arange(start, min(start + rows, n)) for start in range(0, n, rows))
            without = [
                statistic((np.arange(n) != block[:, None]).astype(np.float64)) for block in blocks
            ]
            influence = (n - 1) * (statistic(np.ones((1, n)))[0] - np.concatenate(without))
            if np.isfinite(influence).all() and len(count_cases(draws.patient)) > 1:
                variance = max(variance, variance_of_mean(influence, draws.patient))
    # The trainings of a model widen it, too.
    if not isinstance(statistic, MeanOverRepeats):
        return Variation(variance, draws.degrees)
    if statistic.folds:
        return over_folds(variance, draws.degrees, statistic.folds, len(statistic.repeats))
    figures = statistic.of_each(np.ones((1, n)))[:, 0]
    return over_trainings(variance, draws.degrees, figures)
