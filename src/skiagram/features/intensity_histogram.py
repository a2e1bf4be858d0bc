"""Feature family `intensity_histogram`: statistics of a region's grey levels (IBSI 3.4, ZVCW)."""

from collections.abc import Callable
from dataclasses import dataclass as record
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from skiagram.compute.compiled import compiled
from skiagram.features.discretisation import GreyLevels, entropy
from skiagram.features.family import LevelFamily
from skiagram.features.feature import Column, Feature, Features, Quantity, ratio
from skiagram.features.order_statistics import between
from skiagram.options import STRICT


@compiled
def count_levels(levels: NDArray[np.uint16], number: int) -> NDArray[np.int64]:
    """Count the pixels of each grey level.

    Args:
        levels: (n, depth, height, width) from 1 to `number`, 0 outside the region.
        number: Number of levels.

    Returns:
        (n, number), in the order of the levels.
    """
    n = len(levels)
    flat = levels.reshape(n, -1)
    counts = np.zeros((n, number + 1), dtype=np.int64)
    for image in range(n):
        for level in flat[image]:
            counts[image, level] += 1
    return counts[:, 1:]


@compiled
def level_percentiles(
    counts: NDArray[np.int64], fractions: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return percentiles of the levels, linearly interpolated as those of intensities are.

    Args:
        counts: (n, levels) pixels of each level, from level 1; at least one pixel per image.
        fractions: (k,) in [0, 1].

    Returns:
        (k, n).
    """
    percentiles = np.empty((len(fractions), len(counts)))
    for image in range(len(counts)):
        last = counts[image].sum() - 1
        for number in range(len(fractions)):
            position = last * fractions[number]
            rank = int(position)
            below = _level(counts[image], rank)
            above = _level(counts[image], min(rank + 1, last))
            percentiles[number, image] = between(below, above, position - rank)
    return percentiles


@compiled
def _level(counts: NDArray[np.int64], rank: int) -> int:
    level = upto = 0
    while upto <= rank:
        upto += counts[level]
        level += 1
    return level


_FRACTIONS = np.array([0.1, 0.25, 0.5, 0.75, 0.9])


def _percentile(place: int, meaning: str, formula: str) -> Feature:
    return Feature.of(
        lambda statistics: statistics._percentiles[place], meaning, formula, "1", "[1, N_g]"
    )


@record(frozen=True)
class HistogramStatistics(Features):
    """Statistics of the histograms of n images.

    In the formulas n_i is the number of pixels of level i in the region, N their sum,
    p_i = n_i / N, N_g the highest level of the region, x the levels of the pixels and P_q their
    q-th percentile, linearly interpolated.

    Attributes:
        counts: (n, levels) pixels of each grey level, from level 1; at least one pixel per image.
    """

    counts: NDArray[np.int64]

    @Quantity
    def _levels(self) -> NDArray[np.float64]:
        return np.arange(1.0, self.counts.shape[1] + 1)

    @Quantity
    def _shares(self) -> NDArray[np.float64]:
        return self.counts / self.counts.sum(axis=1, keepdims=True)

    @Quantity
    def _deviations(self) -> NDArray[np.float64]:
        return self._levels - self.mean[:, None]

    @Quantity
    def _percentiles(self) -> NDArray[np.float64]:
        return level_percentiles(np.ascontiguousarray(self.counts), _FRACTIONS)

    def _mean_distance(self, centre: Column, counts: NDArray[np.int64]) -> Column:
        distance = np.sum(counts * np.abs(self._levels - centre[:, None]), axis=1)
        return ratio(distance, counts.sum(axis=1))

    @Feature
    def mean(self) -> Column:
        """Mean level (X6K6).

        Formula: μ = Σ i p_i
        Unit: 1
        Range: [1, N_g]
        """
        return self._shares @ self._levels

    @Feature
    def variance(self) -> Column:
        """Variance of the levels, without Bessel's correction (CH89).

        Formula: σ² = Σ (i − μ)² p_i
        Unit: 1
        Range: [0, (N_g − 1)² / 4]
        """
        return np.sum(self._shares * self._deviations**2, axis=1)

    @Feature
    def skewness(self) -> Column:
        """Asymmetry of the levels; 0 for a single level (88K1).

        Formula: Σ (i − μ)³ p_i / σ³
        Unit: 1
        Range: any
        """
        square = self._deviations**2
        return ratio(np.sum(self._shares * square * self._deviations, axis=1), self.variance**1.5)

    @Feature
    def excess_kurtosis(self) -> Column:
        """Weight of the tails beyond a normal distribution's; 0 for a single level (C3I7).

        Formula: Σ (i − μ)⁴ p_i / σ⁴ − 3
        Unit: 1
        Range: from −2
        """
        square = self._deviations**2
        kurtosis = ratio(np.sum(self._shares * square * square, axis=1), self.variance**2)
        return np.where(self.variance > 0, kurtosis - 3, 0)

    median = _percentile(2, "Median level (WIFQ).", "P₅₀")

    @Feature
    def minimum(self) -> Column:
        """Lowest level; 1, as levels are counted from a region's minimum (1PR8).

        Formula: min x
        Unit: 1
        Range: 1
        """
        return 1.0 + np.argmax(self.counts > 0, axis=1)

    percentile_10 = _percentile(0, "10th percentile of the levels (GPMT).", "P₁₀")
    percentile_90 = _percentile(4, "90th percentile of the levels (OZ0C).", "P₉₀")

    @Feature
    def maximum(self) -> Column:
        """Highest level; with a fixed number of bins that number, or 1 if constant (3NCY).

        Formula: N_g = max x
        Unit: 1
        Range: from 1
        """
        return self.counts.shape[1] - np.argmax(self.counts[:, ::-1] > 0, axis=1).astype(np.float64)

    @Feature
    def mode(self) -> Column:
        """Most frequent level; of several, the one nearest the mean (AMMC).

        Formula: argmax n_i
        Unit: 1
        Range: [1, N_g]
        """
        most = self.counts == self.counts.max(axis=1, keepdims=True)
        return 1.0 + np.argmin(np.where(most, np.abs(self._deviations), np.inf), axis=1)

    @Feature
    def interquartile_range(self) -> Column:
        """Spread of the middle half of the levels (WR0O).

        Formula: P₇₅ − P₂₅
        Unit: 1
        Range: [0, N_g − 1]
        """
        return self._percentiles[3] - self._percentiles[1]

    @Feature
    def range(self) -> Column:
        """Spread of all levels (5Z3W).

        Formula: max x − min x
        Unit: 1
        Range: N_g − 1
        """
        return self.maximum - self.minimum

    @Feature
    def mean_absolute_deviation(self) -> Column:
        """Mean distance from the mean (D2ZX).

        Formula: Σ |i − μ| p_i
        Unit: 1
        Range: [0, (N_g − 1) / 2]
        """
        return self._mean_distance(self.mean, self.counts)

    @Feature
    def robust_mean_absolute_deviation(self) -> Column:
        """Mean distance from their mean of the levels in [P₁₀, P₉₀]; 0 if none is (WRZB).

        Formula: Σ |x − μ₁₀₋₉₀| / N₁₀₋₉₀
        Unit: 1
        Range: [0, (N_g − 1) / 2]
        """
        low, high = self.percentile_10[:, None], self.percentile_90[:, None]
        middle = np.where((self._levels >= low) & (self._levels <= high), self.counts, 0)
        return self._mean_distance(ratio(middle @ self._levels, middle.sum(axis=1)), middle)

    @Feature
    def median_absolute_deviation(self) -> Column:
        """Mean distance from the median; not the median distance (4RNL).

        Formula: Σ |i − P₅₀| p_i
        Unit: 1
        Range: [0, (N_g − 1) / 2]
        """
        return self._mean_distance(self.median, self.counts)

    @Feature
    def coefficient_of_variation(self) -> Column:
        """Standard deviation relative to the mean (CWYJ).

        Formula: σ / μ
        Unit: 1
        Range: from 0
        """
        return np.sqrt(self.variance) / self.mean

    @Feature
    def quartile_coefficient_of_dispersion(self) -> Column:
        """Spread of the middle half relative to its place (SLWD).

        Formula: (P₇₅ − P₂₅) / (P₇₅ + P₂₅)
        Unit: 1
        Range: [0, 1)
        """
        return self.interquartile_range / (self._percentiles[1] + self._percentiles[3])

    @Feature
    def entropy(self) -> Column:
        """Shannon's entropy of the levels (TLU2).

        Formula: −Σ p_i log₂ p_i
        Unit: bit
        Range: [0, log₂ N_g]
        """
        return entropy(self._shares)

    @Feature
    def uniformity(self) -> Column:
        """How far few levels hold most pixels (BJ5W).

        Formula: Σ p_i²
        Unit: 1
        Range: [1 / N_g, 1]
        """
        return np.sum(self._shares**2, axis=1)


def _gradient(choose: Callable[..., Column], meaning: str, formula: str) -> Feature:
    return Feature.of(lambda of: choose(of._gradients, axis=1), meaning, formula, "1", "[−N, N]")


def _gradient_level(choose: Callable[..., Column], meaning: str, formula: str) -> Feature:
    return Feature.of(
        lambda of: 1.0 + choose(of._gradients, axis=1), meaning, formula, "1", "[1, N_g]"
    )


@record(frozen=True)
class HistogramGradients(Features):
    """How steeply the histograms of n images rise and fall.

    In the formulas n_i is the number of pixels of level i in the region and N_g its highest level;
    n′_i is (n_{i+1} − n_{i−1}) / 2, at the lowest and the highest level the difference from the
    only neighbour, and 0 if there is but one level.

    Attributes:
        counts: (n, levels) pixels of each grey level, from level 1; at least one pixel per image.
    """

    counts: NDArray[np.int64]

    @Quantity
    def _gradients(self) -> NDArray[np.float64]:
        """The gradient at each level, NaN above the highest one of an image."""
        n, number = self.counts.shape
        if number == 1:
            return np.zeros((n, 1))
        gradients = np.gradient(self.counts, axis=1)
        last = number - 1 - np.argmax(self.counts[:, ::-1] > 0, axis=1)
        row = np.arange(n)
        at_last = self.counts[row, last] - self.counts[row, np.maximum(last - 1, 0)]
        gradients[row, last] = at_last
        gradients[np.arange(number) > last[:, None]] = np.nan
        return gradients

    maximum_histogram_gradient = _gradient(
        np.nanmax, "Steepest rise of the histogram (12CE).", "max n′_i"
    )
    maximum_histogram_gradient_intensity = _gradient_level(
        np.nanargmax, "Level of the steepest rise; of several, the lowest (8E6O).", "argmax n′_i"
    )
    minimum_histogram_gradient = _gradient(
        np.nanmin, "Steepest fall of the histogram (VQB3).", "min n′_i"
    )
    minimum_histogram_gradient_intensity = _gradient_level(
        np.nanargmin, "Level of the steepest fall; of several, the lowest (RHQZ).", "argmin n′_i"
    )


@dataclass(**STRICT)
class IntensityHistogram(LevelFamily):
    """Intensity histogram features (IBSI ZVCW)."""

    prefix: ClassVar[str] = "intensity_histogram"
    groups: ClassVar[tuple[type[Features], ...]] = (HistogramStatistics, HistogramGradients)

    def describe(self, grey: GreyLevels) -> NDArray[np.float64]:
        """Compute the features of n images from their grey levels, (n, 23)."""
        counts = count_levels(grey.levels, grey.number)
        statistics, gradients = HistogramStatistics(counts), HistogramGradients(counts)
        return np.hstack([statistics.columns(), gradients.columns()])
