"""Feature family `first_order`: statistics of the intensities of a region (IBSI 3.3, UHIW)."""

from dataclasses import dataclass as record
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from skiagram.compute.compiled import compiled
from skiagram.features.batch import FeatureBatch
from skiagram.features.family import RegionFamily
from skiagram.features.feature import Column, Feature, Features, Quantity, ratio
from skiagram.features.order_statistics import percentiles
from skiagram.options import STRICT

_FRACTIONS = np.array([0.1, 0.25, 0.5, 0.75, 0.9])


class Moments(NamedTuple):
    """What first-order statistics are made of, each (n,) float64.

    Attributes:
        minimum: Smallest intensity.
        maximum: Largest intensity.
        mean: Mean intensity.
        energy: Sum of the squared intensities.
        mean_square: Mean of the squared intensities.
        second: Mean squared deviation from the mean.
        third: Mean cubed deviation from the mean.
        fourth: Mean deviation from the mean to the fourth power.
        percentile_10: 10th percentile, linearly interpolated like the others.
        percentile_25: Lower quartile.
        median: Median.
        percentile_75: Upper quartile.
        percentile_90: 90th percentile.
        from_mean: Mean absolute deviation from the mean.
        from_median: Mean absolute deviation from the median.
        robust: Mean absolute deviation among the intensities from the 10th to the 90th percentile,
            from their own mean; 0 where there is none.
    """

    minimum: NDArray[np.float64]
    maximum: NDArray[np.float64]
    mean: NDArray[np.float64]
    energy: NDArray[np.float64]
    mean_square: NDArray[np.float64]
    second: NDArray[np.float64]
    third: NDArray[np.float64]
    fourth: NDArray[np.float64]
    percentile_10: NDArray[np.float64]
    percentile_25: NDArray[np.float64]
    median: NDArray[np.float64]
    percentile_75: NDArray[np.float64]
    percentile_90: NDArray[np.float64]
    from_mean: NDArray[np.float64]
    from_median: NDArray[np.float64]
    robust: NDArray[np.float64]


def moments(images: NDArray[np.float64], inside: NDArray[np.bool_] | None) -> Moments:
    """Return what first-order statistics are made of.

    Args:
        images: (n, ...), finite.
        inside: Of the same shape, true in the region, at least one pixel per image; None for all.
    """
    n = len(images)
    region = np.ones((1, 1), dtype=np.bool_) if inside is None else inside.reshape(n, -1)
    return Moments(*_moments(np.ascontiguousarray(images.reshape(n, -1)), region).T)


@compiled
def _moments(images: NDArray[np.float64], inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    results = np.empty((len(images), 16))
    for image in range(len(images)):
        values = images[image]
        if inside.shape == images.shape:
            values = _kept(values, inside[image])
        lowest, highest = _central(values, results[image])
        quantiles = percentiles(values, _FRACTIONS, lowest, highest)
        for rank in range(len(quantiles)):
            results[image, 8 + rank] = quantiles[rank]
        _deviations(values, results[image])
    return results


@compiled
def _kept(values: NDArray[np.float64], inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    used = 0
    for pixel in range(len(values)):
        used += inside[pixel]
    inner, used = np.empty(used), 0
    for pixel in range(len(values)):
        if inside[pixel]:
            inner[used] = values[pixel]
            used += 1
    return inner


@compiled
def _central(values: NDArray[np.float64], result: NDArray[np.float64]) -> tuple[float, float]:
    lowest = highest = values[0]
    total = energy = 0.0
    for value in values:
        lowest, highest = min(lowest, value), max(highest, value)
        total += value
        energy += value * value
    mean = total / len(values)
    if lowest == highest:  # their mean may be off by one rounding
        mean = lowest
    second = third = fourth = 0.0
    for value in values:
        square = (value - mean) * (value - mean)
        second += square
        third += square * (value - mean)
        fourth += square * square
    result[0], result[1], result[2], result[3] = lowest, highest, mean, energy
    result[4], result[5] = energy / len(values), second / len(values)
    result[6], result[7] = third / len(values), fourth / len(values)
    return lowest, highest


@compiled
def _deviations(values: NDArray[np.float64], result: NDArray[np.float64]) -> None:
    mean, low, median, high = result[2], result[8], result[10], result[12]
    from_mean = from_median = total = robust = 0.0
    count = 0
    for value in values:
        from_mean += abs(value - mean)
        from_median += abs(value - median)
        if low <= value <= high:
            total += value
            count += 1
    if count > 0:
        centre = low if low == high else total / count
        for value in values:
            if low <= value <= high:
                robust += abs(value - centre)
        robust /= count
    result[13], result[14], result[15] = from_mean / len(values), from_median / len(values), robust


def _order_statistic(
    name: str, meaning: str, formula: str, limits: str = "minimum to maximum"
) -> Feature:
    return Feature.of(
        lambda statistics: getattr(statistics._of, name), meaning, formula, "intensity", limits
    )


@record(frozen=True)
class FirstOrderStatistics(Features):
    """First-order statistics of n images.

    In the formulas x are the intensities of the region, N their number, μ their mean and P_q their
    q-th percentile, linearly interpolated. Ratios are 0 where they would divide by 0.

    Attributes:
        images: (n, ...) intensities, finite float64.
        inside: Of the same shape, true in the region, at least one pixel per image; None for all.
    """

    images: NDArray[np.float64]
    inside: NDArray[np.bool_] | None = None

    @Quantity
    def _of(self) -> Moments:
        return moments(self.images, self.inside)

    @Feature
    def mean(self) -> Column:
        """Mean intensity (Q4LE).

        Formula: μ = Σ x / N
        Unit: intensity
        Range: minimum to maximum
        """
        return self._of.mean

    @Feature
    def variance(self) -> Column:
        """Intensity variance, without Bessel's correction (ECT3).

        Formula: σ² = Σ (x − μ)² / N
        Unit: intensity²
        Range: from 0
        """
        return self._of.second

    @Feature
    def skewness(self) -> Column:
        """Asymmetry of the intensities; 0 for a constant region (KE2A).

        Formula: Σ (x − μ)³ / (N σ³)
        Unit: 1
        Range: any
        """
        return ratio(self._of.third, self._of.second**1.5)

    @Feature
    def excess_kurtosis(self) -> Column:
        """Weight of the tails beyond a normal distribution's; 0 for a constant region (IPH6).

        Formula: Σ (x − μ)⁴ / (N σ⁴) − 3
        Unit: 1
        Range: from −2
        """
        kurtosis = ratio(self._of.fourth, self._of.second**2)
        return np.where(self._of.second > 0, kurtosis - 3, 0)

    median = _order_statistic("median", "Median intensity (Y12H).", "P₅₀")
    minimum = _order_statistic("minimum", "Minimum intensity (1GSF).", "min x", "any")
    percentile_10 = _order_statistic("percentile_10", "10th intensity percentile (QG58).", "P₁₀")
    percentile_25 = _order_statistic("percentile_25", "25th intensity percentile.", "P₂₅")
    percentile_75 = _order_statistic("percentile_75", "75th intensity percentile.", "P₇₅")
    percentile_90 = _order_statistic("percentile_90", "90th intensity percentile (8DWT).", "P₉₀")
    maximum = _order_statistic("maximum", "Maximum intensity (84IY).", "max x", "any")

    @Feature
    def interquartile_range(self) -> Column:
        """Spread of the middle half of the intensities (SALO).

        Formula: P₇₅ − P₂₅
        Unit: intensity
        Range: from 0
        """
        return self.percentile_75 - self.percentile_25

    @Feature
    def range(self) -> Column:
        """Spread of all intensities (2OJQ).

        Formula: max x − min x
        Unit: intensity
        Range: from 0
        """
        return self.maximum - self.minimum

    @Feature
    def mean_absolute_deviation(self) -> Column:
        """Mean distance from the mean (4FUA).

        Formula: Σ |x − μ| / N
        Unit: intensity
        Range: from 0
        """
        return self._of.from_mean

    @Feature
    def robust_mean_absolute_deviation(self) -> Column:
        """Mean distance from their mean of the intensities in [P₁₀, P₉₀]; 0 if none is (1128).

        Formula: Σ |x − μ₁₀₋₉₀| / N₁₀₋₉₀
        Unit: intensity
        Range: from 0
        """
        return self._of.robust

    @Feature
    def median_absolute_deviation(self) -> Column:
        """Mean distance from the median; not the median distance (N72L).

        Formula: Σ |x − P₅₀| / N
        Unit: intensity
        Range: from 0
        """
        return self._of.from_median

    @Feature
    def coefficient_of_variation(self) -> Column:
        """Standard deviation relative to the mean; 0 for a mean of 0 (7TET).

        Formula: σ / μ
        Unit: 1
        Range: any
        """
        return ratio(np.sqrt(self.variance), self.mean)

    @Feature
    def quartile_coefficient_of_dispersion(self) -> Column:
        """Spread of the middle half relative to its place; 0 for quartiles of sum 0 (9S40).

        Formula: (P₇₅ − P₂₅) / (P₇₅ + P₂₅)
        Unit: 1
        Range: any
        """
        return ratio(self.interquartile_range, self.percentile_75 + self.percentile_25)

    @Feature
    def energy(self) -> Column:
        """Sum of the squared intensities (N8CA).

        Formula: Σ x²
        Unit: intensity²
        Range: from 0
        """
        return self._of.energy

    @Feature
    def root_mean_square(self) -> Column:
        """Quadratic mean of the intensities (5ZWQ).

        Formula: √(Σ x² / N)
        Unit: intensity
        Range: from 0
        """
        return np.sqrt(self._of.mean_square)


@dataclass(**STRICT)
class FirstOrder(RegionFamily):
    """First-order statistics (IBSI UHIW) and both quartiles."""

    prefix: ClassVar[str] = "first_order"
    groups: ClassVar[tuple[type[Features], ...]] = (FirstOrderStatistics,)

    def extract(self, batch: FeatureBatch) -> NDArray[np.float64]:
        """Compute the features of n images or volumes, (n, 20).

        Raises:
            DataError: The images have neither one channel nor three.
        """
        return FirstOrderStatistics(
            batch.intensities("first_order"), batch.inside(self.region, "first_order")
        ).columns()
