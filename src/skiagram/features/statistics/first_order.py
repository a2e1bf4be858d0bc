"""First-order statistics of the intensities (IBSI reference manual, section 3.3, UHIW).

In the formulas x are the intensities of the region, N their number, μ their mean and P_q their q-th
percentile, linearly interpolated. Ratios are 0 where they would divide by 0.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skiagram.features.feature import Column, Feature, Features, Quantity, ratio
from skiagram.features.kernels.moments import Moments, moments


@dataclass(frozen=True)
class FirstOrderStatistics(Features):
    """First-order statistics of n images.

    Attributes:
        images: (n, ...) intensities, finite float64.
        inside: Of the same shape, true in the region, at least one pixel an image; None for all.
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

    @Feature
    def median(self) -> Column:
        """Median intensity (Y12H).

        Formula: P₅₀
        Unit: intensity
        Range: minimum to maximum
        """
        return self._of.median

    @Feature
    def minimum(self) -> Column:
        """Minimum intensity (1GSF).

        Formula: min x
        Unit: intensity
        Range: any
        """
        return self._of.minimum

    @Feature
    def percentile_10(self) -> Column:
        """10th intensity percentile (QG58).

        Formula: P₁₀
        Unit: intensity
        Range: minimum to maximum
        """
        return self._of.percentile_10

    @Feature
    def percentile_25(self) -> Column:
        """25th intensity percentile.

        Formula: P₂₅
        Unit: intensity
        Range: minimum to maximum
        """
        return self._of.percentile_25

    @Feature
    def percentile_75(self) -> Column:
        """75th intensity percentile.

        Formula: P₇₅
        Unit: intensity
        Range: minimum to maximum
        """
        return self._of.percentile_75

    @Feature
    def percentile_90(self) -> Column:
        """90th intensity percentile (8DWT).

        Formula: P₉₀
        Unit: intensity
        Range: minimum to maximum
        """
        return self._of.percentile_90

    @Feature
    def maximum(self) -> Column:
        """Maximum intensity (84IY).

        Formula: max x
        Unit: intensity
        Range: any
        """
        return self._of.maximum

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
