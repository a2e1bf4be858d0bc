"""Figures with the values they have without each patient, and the intervals that follow.

Leaving out a patient takes all cases and pairs of the patient away, so clustered cases and ratios
of pair counts need no formula of their own (Efron & Stein 1981, *Annals of Statistics* 9:586).
Figures of the same patients are compared patient by patient.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from skiagram.statistics.estimate import Estimate
from skiagram.statistics.variation import UPPER, overlap_factor

Floats = NDArray[np.float64]
METHOD = "jackknife by patient"


@dataclass(frozen=True)
class Jackknifed:
    """A figure, the mean over repeats, and what it is without each patient.

    Attributes:
        values: (repeats,) of all patients.
        leaving: (repeats, patients) without each; NaN where the others do not define it.
        bounded: Whether it lies in [0, 1]; its interval then does too.
        folds: Fits of a repeat that share training cases, as those of a cross-validation; 0 for
            none. The interval is then one of the procedure (`variation.overlap_factor`).
    """

    values: Floats
    leaving: Floats
    bounded: bool = False
    folds: int = 0

    @property
    def value(self) -> float:
        """Return the mean over repeats."""
        return float(self.values.mean())

    @property
    def without(self) -> Floats:
        """Return (patients,) the mean over repeats without each patient."""
        mean: Floats = self.leaving.mean(axis=0)
        return mean

    @property
    def error(self) -> float:
        """Return the standard error over patients, and over training sets where folds share them.

        NaN with fewer than two patients.
        """
        known = self.leaving[:, np.isfinite(self.without)]
        patients = known.shape[1]
        if patients < 2:
            return float("nan")
        if not self.folds:
            known = known.mean(axis=0, keepdims=True)
        spread = np.square(known - known.mean(axis=1, keepdims=True)).sum(axis=1).mean()
        factor = overlap_factor(self.folds, len(self.values)) if self.folds else 1.0
        return float(np.sqrt(factor * spread * (patients - 1) / patients))

    @property
    def quantile(self) -> float:
        """Return how many standard errors the 95 % interval reaches to each side."""
        from scipy.stats import t  # slow to import: readers of an evaluation do without

        patients = int(np.isfinite(self.without).sum())
        return float(t.ppf(UPPER, max(patients - 1, 1)))

    def estimate(self) -> Estimate:
        """Return the figure with its 95 % interval, on the logit scale where it is bounded."""
        if not np.isfinite(self.value):
            return Estimate(None, reason="too few events or patients define it")
        error = self.error
        if not np.isfinite(error):
            return Estimate(self.value, reason="fewer than two patients")
        half = self.quantile * error
        if self.bounded and 0 < self.value < 1:
            middle, half = float(logit(self.value)), half / (self.value * (1 - self.value))
            low, high = float(expit(middle - half)), float(expit(middle + half))
            return Estimate(self.value, low, high, f"logit {METHOD}")
        return Estimate(self.value, self.value - half, self.value + half, METHOD)

    def p(self) -> float | None:
        """Return the two-sided p value of 0; None where it cannot be told."""
        from scipy.stats import t

        error = self.error
        if not np.isfinite(error) or error == 0:
            return 1.0 if self.value == 0 else None
        patients = int(np.isfinite(self.without).sum())
        return float(2 * t.sf(abs(self.value) / error, max(patients - 1, 1)))

    def __sub__(self, other: "Jackknifed") -> "Jackknifed":
        """Return the difference of two figures of the same patients."""
        folds = max(self.folds, other.folds)
        return Jackknifed(self.values - other.values, self.leaving - other.leaving, folds=folds)


def jackknifed_ratio(
    numerator: Floats, denominator: Floats, whole: tuple[float, float], *, bounded: bool = False
) -> Jackknifed:
    """Return a ratio of sums.

    Args:
        numerator: (patients,) what each patient adds to the upper sum.
        denominator: (patients,) the same of the lower sum.
        whole: Both sums; terms that two patients share are in the parts of both.
    """
    above, below = whole
    left = below - denominator
    without = np.divide(
        above - numerator, left, out=np.full(len(left), np.nan), where=left > 1e-12 * abs(below)
    )
    value = above / below if below > 0 else float("nan")
    return Jackknifed(np.array([value]), without[None], bounded)


def jackknifed_mean(
    value: Floats, patient: NDArray[np.int64], *, bounded: bool = False
) -> Jackknifed:
    """Return the mean over cases; `patient` (n,) counts from 0."""
    sums = np.bincount(patient, weights=value).astype(np.float64)
    cases = np.bincount(patient).astype(np.float64)
    whole = float(value.sum()), float(len(value))
    return jackknifed_ratio(sums, cases, whole, bounded=bounded)


def mean_of(figures: Sequence[Jackknifed], folds: int = 0) -> Jackknifed:
    """Return a figure over repeats, all of the same patients."""
    return Jackknifed(
        np.concatenate([figure.values for figure in figures]),
        np.concatenate([figure.leaving for figure in figures]),
        figures[0].bounded,
        folds,
    )
