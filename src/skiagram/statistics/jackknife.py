"""Figures with the values they have without each case, and the intervals that follow.

What leaving a case out does to a figure, times the number of the other cases, is the case's
influence, and the figure varies like their mean (Efron & Stein 1981, *Annals of Statistics* 9:586).
So cases of a patient, and patients with many of them, are dealt with as in any mean over clusters,
and pairs or ratios need no formula of their own. Figures of the same cases are compared case by
case.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from skiagram.statistics.distributions import t_p_value, t_quantile
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.proportions import wilson_interval
from skiagram.statistics.variation import (
    UPPER,
    Patients,
    effective_patients,
    overlap_factor,
    variance_of_mean,
)

Floats = NDArray[np.float64]
Scale = Literal["plain", "logit", "log", "fisher"]
METHOD = "jackknife by patient"


class _Transform(NamedTuple):
    """A scale: its name in methods, the values that it has, to it and back, its slope there."""

    words: str
    has: Callable[[float], bool]
    there: Callable[[float], float]
    back: Callable[[float], float]
    slope: Callable[[float], float]


_TRANSFORMS: dict[Scale, _Transform] = {
    "logit": _Transform(
        "logit", lambda value: 0 < value < 1, logit, expit, lambda value: 1 / (value * (1 - value))
    ),
    "log": _Transform("log", lambda value: value > 0, np.log, np.exp, lambda value: 1 / value),
    "fisher": _Transform(
        "Fisher's z,",
        lambda value: -1 < value < 1,
        np.arctanh,
        np.tanh,
        lambda value: 1 / (1 - value**2),
    ),
}


@dataclass(frozen=True)
class Jackknifed:
    """A figure, the mean over repeats, and what it is without each case.

    Attributes:
        values: (repeats,) of all cases.
        leaving: (repeats, n) without each; NaN where the others do not define it.
        patient: (n,) from 0.
        scale: On which its interval is symmetric: `logit` of a share, `log` of an error, `fisher`
            (Fisher's z) of a correlation. A figure that has no value there has a plain interval.
        folds: Fits of a repeat that share training cases, as those of a cross-validation; 0 for
            none. The interval is then one of the procedure (`variation.overlap_factor`).
    """

    values: Floats
    leaving: Floats
    patient: Patients
    scale: Scale = "plain"
    folds: int = 0

    @property
    def value(self) -> float:
        """Return the mean over repeats."""
        return float(self.values.mean())

    @property
    def without(self) -> Floats:
        """Return (n,) the mean over repeats without each case."""
        mean: Floats = self.leaving.mean(axis=0)
        return mean

    @property
    def error(self) -> float:
        """Return the standard error over patients, and over training sets where folds share them.

        NaN with fewer than two patients.
        """
        known = np.isfinite(self.without)
        patient, leaving = self.patient[known], self.leaving[:, known]
        if len(np.unique(patient)) < 2:
            return float("nan")
        if not self.folds:
            leaving = leaving.mean(axis=0, keepdims=True)
        influence = (leaving.shape[1] - 1) * (leaving.mean(axis=1, keepdims=True) - leaving)
        variance = float(np.mean([variance_of_mean(each, patient) for each in influence]))
        factor = overlap_factor(self.folds, len(self.values)) if self.folds else 1.0
        return float(np.sqrt(factor * variance))

    @property
    def degrees(self) -> float:
        """Return the degrees of freedom of the error: effective patients less 1."""
        return max(effective_patients(self.patient[np.isfinite(self.without)]) - 1, 1.0)

    @property
    def quantile(self) -> float:
        """Return how many standard errors the 95 % interval reaches to each side."""
        return float(t_quantile(UPPER, self.degrees))

    def estimate(self) -> Estimate:
        """Return the figure with its 95 % interval."""
        if not np.isfinite(self.value):
            reason = "it is not defined: too few events or patients, or all estimates are equal"
            return Estimate(None, reason=reason)
        error = self.error
        if not np.isfinite(error):
            return Estimate(self.value, reason="fewer than two patients")
        half = self.quantile * error
        if self.scale == "logit" and self.value in (0.0, 1.0):  # no case varies it
            widening = overlap_factor(self.folds, len(self.values)) if self.folds else 1.0
            patients = effective_patients(self.patient[np.isfinite(self.without)]) / widening
            interval = wilson_interval(self.value, patients, self.quantile)
            return Estimate(self.value, *interval, "Wilson by patient")
        scale = _TRANSFORMS.get(self.scale)
        if scale is not None and scale.has(self.value):
            middle, half = scale.there(self.value), half * scale.slope(self.value)
            low, high = float(scale.back(middle - half)), float(scale.back(middle + half))
            return Estimate(self.value, low, high, f"{scale.words} {METHOD}")
        return Estimate(self.value, self.value - half, self.value + half, METHOD)

    def p(self) -> float | None:
        """Return the two-sided p value of 0; None where it cannot be told."""
        error = self.error
        if not np.isfinite(error) or error == 0:
            return 1.0 if self.value == 0 else None
        return t_p_value(self.value / error, self.degrees)

    def __sub__(self, other: "Jackknifed") -> "Jackknifed":
        """Return the difference of two figures of the same cases."""
        return Jackknifed(
            self.values - other.values,
            self.leaving - other.leaving,
            self.patient,
            folds=max(self.folds, other.folds),
        )


def jackknifed_ratio(
    numerator: Floats,
    denominator: Floats,
    whole: tuple[float, float],
    patient: Patients,
    scale: Scale = "plain",
) -> Jackknifed:
    """Return a ratio of sums.

    Args:
        numerator: (n,) what each case adds to the upper sum.
        denominator: (n,) the same of the lower sum.
        whole: Both sums; terms that two cases share are in the parts of both.
        patient: (n,) from 0.
    """
    above, below = whole
    left = below - denominator
    without = np.divide(
        above - numerator, left, out=np.full(len(left), np.nan), where=left > 1e-12 * abs(below)
    )
    value = above / below if below > 0 else float("nan")
    return Jackknifed(np.array([value]), without[None], patient, scale)


def jackknifed_mean(value: Floats, patient: Patients, scale: Scale = "plain") -> Jackknifed:
    """Return the mean of (n,) values; `patient` (n,) counts from 0."""
    whole = float(value.sum()), float(len(value))
    return jackknifed_ratio(value, np.ones(len(value)), whole, patient, scale)


def mean_of(figures: Sequence[Jackknifed], folds: int = 0) -> Jackknifed:
    """Return a figure over repeats, all of the same cases."""
    return Jackknifed(
        np.concatenate([figure.values for figure in figures]),
        np.concatenate([figure.leaving for figure in figures]),
        figures[0].patient,
        figures[0].scale,
        folds,
    )
