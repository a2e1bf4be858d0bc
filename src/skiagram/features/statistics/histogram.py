"""Statistics of the histogram of grey levels (IBSI reference manual, section 3.4, ZVCW).

In the formulas n_i is the number of pixels of level i in the region, N their sum, p_i = n_i / N,
N_g the highest level of the region, x the levels of the pixels and P_q their q-th percentile,
linearly interpolated.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skiagram.features.discretisation import entropy
from skiagram.features.feature import Column, Feature, Features, Quantity, ratio
from skiagram.features.kernels.histogram import level_percentiles

_FRACTIONS = np.array([0.1, 0.25, 0.5, 0.75, 0.9])


@dataclass(frozen=True)
class HistogramStatistics(Features):
    """Histogram statistics of n images.

    Attributes:
        counts: (n, levels) pixels of each grey level, from level 1; at least one pixel an image.
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
        return level_percentiles(self.counts, _FRACTIONS)

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

    @Feature
    def median(self) -> Column:
        """Median level (WIFQ).

        Formula: P₅₀
        Unit: 1
        Range: [1, N_g]
        """
        return self._percentiles[2]

    @Feature
    def minimum(self) -> Column:
        """Lowest level; 1, as levels are counted from a region's minimum (1PR8).

        Formula: min x
        Unit: 1
        Range: 1
        """
        return 1.0 + np.argmax(self.counts > 0, axis=1)

    @Feature
    def percentile_10(self) -> Column:
        """10th percentile of the levels (GPMT).

        Formula: P₁₀
        Unit: 1
        Range: [1, N_g]
        """
        return self._percentiles[0]

    @Feature
    def percentile_90(self) -> Column:
        """90th percentile of the levels (OZ0C).

        Formula: P₉₀
        Unit: 1
        Range: [1, N_g]
        """
        return self._percentiles[4]

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
        kept = np.where((self._levels >= low) & (self._levels <= high), self.counts, 0)
        return self._mean_distance(ratio(kept @ self._levels, kept.sum(axis=1)), kept)

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
