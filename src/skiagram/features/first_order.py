"""First-order statistics of the intensities (IBSI reference manual, section 3.3, UHIW).

Ratios are 0 where they would divide by 0: a constant image has skewness, excess kurtosis and
coefficient of variation 0, and so has the coefficient of variation of an image of mean 0.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from skiagram.features.feature import Column, Feature, Features, ratio


@dataclass(frozen=True)
class FirstOrder(Features):
    """First-order statistics of n images.

    Attributes:
        samples: (n, m) intensities, finite float64.
    """

    samples: NDArray[np.float64]

    @cached_property
    def _deviations(self) -> NDArray[np.float64]:
        constant = self.minimum == self.maximum  # their mean may be off by one rounding
        return np.where(constant[:, None], 0, self.samples - self.mean[:, None])

    @cached_property
    def _percentiles(self) -> NDArray[np.float64]:
        percentiles: NDArray[np.float64] = np.percentile(self.samples, (10, 25, 50, 75, 90), axis=1)
        return percentiles

    def _moment(self, power: int) -> Column:
        product = self._deviations
        for _ in range(power - 1):  # many times faster than ** with an exponent above 2
            product = product * self._deviations
        return product.mean(axis=1)

    @Feature
    def mean(self) -> Column:
        """Mean intensity (Q4LE)."""
        return self.samples.mean(axis=1)

    @Feature
    def variance(self) -> Column:
        """Intensity variance, without Bessel's correction (ECT3)."""
        return self._moment(2)

    @Feature
    def skewness(self) -> Column:
        """Third central moment over variance^1.5 (KE2A)."""
        return ratio(self._moment(3), self.variance**1.5)

    @Feature
    def excess_kurtosis(self) -> Column:
        """Fourth central moment over variance², minus 3; 0 for a constant image (IPH6)."""
        kurtosis = ratio(self._moment(4), self.variance**2)
        return np.where(self.variance > 0, kurtosis - 3, 0)

    @Feature
    def median(self) -> Column:
        """Median intensity (Y12H)."""
        return self._percentiles[2]

    @Feature
    def minimum(self) -> Column:
        """Minimum intensity (1GSF)."""
        return self.samples.min(axis=1)

    @Feature
    def percentile_10(self) -> Column:
        """10th intensity percentile, linearly interpolated (QG58)."""
        return self._percentiles[0]

    @Feature
    def percentile_25(self) -> Column:
        """25th intensity percentile, linearly interpolated."""
        return self._percentiles[1]

    @Feature
    def percentile_75(self) -> Column:
        """75th intensity percentile, linearly interpolated."""
        return self._percentiles[3]

    @Feature
    def percentile_90(self) -> Column:
        """90th intensity percentile, linearly interpolated (8DWT)."""
        return self._percentiles[4]

    @Feature
    def maximum(self) -> Column:
        """Maximum intensity (84IY)."""
        return self.samples.max(axis=1)

    @Feature
    def interquartile_range(self) -> Column:
        """75th minus 25th percentile (SALO)."""
        return self.percentile_75 - self.percentile_25

    @Feature
    def range(self) -> Column:
        """Maximum minus minimum (2OJQ)."""
        return self.maximum - self.minimum

    @Feature
    def mean_absolute_deviation(self) -> Column:
        """Mean distance from the mean (4FUA)."""
        return np.mean(np.abs(self._deviations), axis=1)

    @Feature
    def robust_mean_absolute_deviation(self) -> Column:
        """Mean absolute deviation among those from the 10th to the 90th percentile (1128)."""
        low, high = self.percentile_10[:, None], self.percentile_90[:, None]
        inside = (self.samples >= low) & (self.samples <= high)
        count = inside.sum(axis=1)  # an interpolated percentile may leave none inside
        centre = ratio(np.where(inside, self.samples, 0).sum(axis=1), count)
        distance = np.where(inside, np.abs(self.samples - centre[:, None]), 0)
        return ratio(distance.sum(axis=1), count)

    @Feature
    def median_absolute_deviation(self) -> Column:
        """Mean distance from the median (N72L); not the median distance."""
        return np.mean(np.abs(self.samples - self.median[:, None]), axis=1)

    @Feature
    def coefficient_of_variation(self) -> Column:
        """Standard deviation over mean (7TET)."""
        return ratio(np.sqrt(self.variance), self.mean)

    @Feature
    def quartile_coefficient_of_dispersion(self) -> Column:
        """Interquartile range over the sum of both quartiles (9S40)."""
        return ratio(self.interquartile_range, self.percentile_75 + self.percentile_25)

    @Feature
    def energy(self) -> Column:
        """Sum of squared intensities (N8CA)."""
        return np.sum(self.samples**2, axis=1)

    @Feature
    def root_mean_square(self) -> Column:
        """Square root of the mean squared intensity (5ZWQ)."""
        return np.sqrt(np.mean(self.samples**2, axis=1))
