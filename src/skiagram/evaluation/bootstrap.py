"""Intervals by resampling patients, for metrics without a closed form."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from skiagram.evaluation.bootstrap_intervals import bca_interval, percentile_interval
from skiagram.evaluation.proportions import wilson_interval
from skiagram.evaluation.results import Estimate
from skiagram.seeding import stream

Statistic = Callable[[NDArray[np.float64]], NDArray[np.float64]]
Kind = Literal["percentile", "BCa"]
_BLOCK = 1_000_000
_GROUPS = 1_000


@dataclass(frozen=True)
class PatientDraws:
    """Resamples of patients with replacement; shared by all models, so comparisons are paired.

    Attributes:
        counts: (replicates, n_patients) uint8, how often each patient was drawn.
        patient: (n,) patients numbered from 0.
        smallest_class: Number of patients of the rarest class.
    """

    counts: NDArray[np.uint8]
    patient: NDArray[np.int64]
    smallest_class: int

    def weights(self) -> Iterator[NDArray[np.float64]]:
        """Yield (b, n) case weights in blocks that bound the memory."""
        rows = max(1, _BLOCK // len(self.patient))
        for start in range(0, len(self.counts), rows):
            yield self.counts[start : start + rows][:, self.patient].astype(np.float64)

    def left_out(self) -> Iterator[NDArray[np.float64]]:
        """Yield (b, n) case weights that leave out one patient a row, or one group of many.

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
    patient: NDArray[np.int64], smallest_class: int, replicates: int, seed: int
) -> PatientDraws:
    """Draw patients with replacement.

    Args:
        patient: (n,) patients numbered from 0.
        smallest_class: Number of patients of the rarest class.
        replicates: Number of resamples.
        seed: The run's seed.
    """
    n_patients = int(patient.max()) + 1
    generator = stream(seed, "evaluation", "patients", n_patients)
    counts = np.empty((replicates, n_patients), dtype=np.uint8)
    for row in range(replicates):
        counts[row] = np.bincount(
            generator.integers(n_patients, size=n_patients), minlength=n_patients
        )
    return PatientDraws(counts, patient, smallest_class)


def mean_over_repeats(
    metric: Callable[[NDArray[Any], NDArray[np.float64]], NDArray[np.float64]],
    values: NDArray[Any],
) -> Statistic:
    """Return the mean of a metric over the repeats of a model.

    Args:
        metric: Maps one repeat's values and case weights (b, n) to (b,).
        values: (repeats, n, …) what the metric judges.
    """
    return lambda weights: np.mean([metric(one, weights) for one in values], axis=0)


def bootstrap_estimate(
    statistic: Statistic, draws: PatientDraws, *, share: bool = True, kind: Kind = "BCa"
) -> Estimate:
    """Estimate a statistic with its 95 % bootstrap interval by patient.

    Resamples that lack a class are left out. A share of exactly 0 or 1 never varies; its interval
    is Wilson's, as of a proportion among the patients of the rarest class. Where BCa is not defined
    (all replicates on one side of the figure, or a class with a single patient), the interval is
    the percentile one and its method says so.

    Args:
        statistic: Maps case weights (b, n) to (b,), NaN where undefined.
        draws: Resamples of the same n cases.
        share: Whether the statistic has the bounds 0 and 1; a difference has not.
        kind: How the bounds are made from the replicates.
    """
    value = float(statistic(np.ones((1, len(draws.patient))))[0])
    if not np.isfinite(value):
        return Estimate(None, reason="a class has no case")
    values = np.concatenate([statistic(block) for block in draws.weights()])
    defined = np.isfinite(values)
    if defined.mean() < 0.5:
        return Estimate(value, method="no interval: too few patients of a class to resample")
    values = values[defined]
    if share and value in (0.0, 1.0) and np.ptp(values) == 0:
        low, high = wilson_interval(value, draws.smallest_class)
        return Estimate(value, low, high, "Wilson on the patients of the rarest class")
    if kind == "BCa":
        jackknife = np.concatenate([statistic(block) for block in draws.left_out()])
        bounds = bca_interval(value, values, jackknife)
        if bounds is not None:
            return Estimate(value, *bounds, "BCa bootstrap by patient")
    return Estimate(value, *percentile_interval(values), "percentile bootstrap by patient")
