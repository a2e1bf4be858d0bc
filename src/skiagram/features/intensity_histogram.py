"""Features of the histogram of grey levels (IBSI reference manual, section 3.4, ZVCW)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skiagram.features.discretisation import entropy
from skiagram.features.feature import Column, Feature, Features


@dataclass(frozen=True)
class IntensityHistogram(Features):
    """Histogram features of n images.

    Attributes:
        shares: (n, levels) share of pixels in each grey level, each row sums to 1.
    """

    shares: NDArray[np.float64]

    @Feature
    def mode(self) -> Column:
        """Most frequent grey level from 1; of several, the one nearest their mean (AMMC)."""
        level = np.arange(1, self.shares.shape[1] + 1)
        distance = np.abs(level - (self.shares @ level)[:, None])
        most = self.shares == self.shares.max(axis=1, keepdims=True)
        return 1.0 + np.argmin(np.where(most, distance, np.inf), axis=1)

    @Feature
    def entropy(self) -> Column:
        """Shannon's entropy of the grey levels in bits (TLU2)."""
        return entropy(self.shares)

    @Feature
    def uniformity(self) -> Column:
        """Sum of the squared shares (BJ5W)."""
        return np.sum(self.shares**2, axis=1)
