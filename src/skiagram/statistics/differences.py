"""The difference of two figures on different cases, from the interval of each.

Each interval is asymmetric and keeps its coverage in small parts, so the interval of a difference
is put together from the two (Zou & Donner 2008, *Statistics in Medicine* 27:1693). A patient with
cases on both sides makes the two figures go together.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from skiagram.statistics.delong import Placements, auc_interval
from skiagram.statistics.distributions import t_p_value, t_quantile
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.proportions import size_and_variation, wilson_interval
from skiagram.statistics.variation import Variation, covariance_of_means

Floats = NDArray[np.float64]
Patients = NDArray[np.int64]
_MIN_QUANTILE, _MAX_QUANTILE = 1e-9, 40.0  # beyond them p is 1 or 0


METHOD = "from both intervals, by patient"


@dataclass(frozen=True)
class Figure:
    """A share or an AUC on some cases, with all that its interval is made of.

    Attributes:
        size: Independent cases of a share; of an AUC the patients of the smaller class.
        most: Most independent cases that an AUC's variance may stand for; None of a share.
        samples: (values, patients) whose means make the figure: one sample, or one a class.
    """

    value: float
    size: float
    variation: Variation
    most: float | None
    samples: tuple[tuple[Floats, Patients], ...]

    def bounds(self, quantile: float) -> tuple[float, float]:
        """Return the bounds that lie so many standard errors away."""
        variance = self.variation.variance
        if self.most is None or variance == 0 or not 0 < self.value < 1:
            return wilson_interval(self.value, self.size, quantile)
        return auc_interval(self.value, variance, self.most, quantile)

    def correlation(self, other: "Figure") -> float:
        """Return the correlation that patients with cases on both sides make."""
        variance = self.variation.variance * other.variation.variance
        if variance == 0:
            return 0.0
        covariance = sum(
            covariance_of_means(*sample, *other_sample)
            for sample in self.samples
            for other_sample in other.samples
            if np.isin(sample[1], other_sample[1]).any()
        )
        return float(np.clip(covariance / np.sqrt(variance), -1.0, 1.0))


def auc_figure(auc: Placements) -> Figure:
    """Return an AUC as a figure to be compared with that of other cases."""
    return Figure(auc.mean, auc.smaller_class, auc.variation, auc.most, auc.samples)


def share_figure(success: Floats, patient: Patients) -> Figure:
    """Return a share of cases as a figure to be compared with that of other cases.

    Args:
        success: (repeats, n) 1 or 0 a case and training.
    """
    size, variation = size_and_variation(success, patient)
    mean = success.mean(axis=0)
    return Figure(float(success.mean()), size, variation, None, ((mean, patient),))


def difference_of_figures(figure: Figure, other: Figure) -> tuple[Estimate, float | None]:
    """Return one figure minus the other with its interval, and the two-sided p value of none.

    The p value is the level at which the interval just reaches 0, so the two never disagree.
    """
    value = figure.value - other.value
    # Satterthwaite's degrees of freedom of the sum of two variances.
    both = figure.variation, other.variation
    spread = sum(each.variance**2 / each.degrees for each in both)
    degrees = sum(each.variance for each in both) ** 2 / spread if spread > 0 else np.inf
    correlation = figure.correlation(other)

    def bounds(quantile: float) -> tuple[float, float]:
        (low, high), (other_low, other_high) = figure.bounds(quantile), other.bounds(quantile)
        below, above = figure.value - low, other_high - other.value
        under, over = high - figure.value, other.value - other_low
        down = below**2 + above**2 - 2 * correlation * below * above
        up = under**2 + over**2 - 2 * correlation * under * over
        return value - np.sqrt(max(down, 0.0)), value + np.sqrt(max(up, 0.0))

    low, high = bounds(float(t_quantile(0.975, degrees)))
    estimate = Estimate(value, max(-1.0, float(low)), min(1.0, float(high)), METHOD)

    def nearest(quantile: float) -> float:
        interval = bounds(quantile)
        return float(interval[0] if value > 0 else -interval[1])

    if nearest(_MIN_QUANTILE) <= 0:  # no difference but that of rounding
        return estimate, 1.0
    if nearest(_MAX_QUANTILE) > 0:
        return estimate, 0.0
    reached = brentq(nearest, _MIN_QUANTILE, _MAX_QUANTILE)
    return estimate, t_p_value(reached, degrees)
