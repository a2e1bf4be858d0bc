"""How steeply the histogram of grey levels rises and falls (IBSI reference manual, section 3.4).

In the formulas n_i is the number of pixels of level i in the region and N_g its highest level; n′_i
is (n_{i+1} − n_{i−1}) / 2, at the lowest and the highest level the difference from the only
neighbour, and 0 if there is but one level.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skiagram.features.feature import Column, Feature, Features, Quantity


@dataclass(frozen=True)
class HistogramGradients(Features):
    """Extremes of the gradients of n histograms.

    Attributes:
        counts: (n, levels) pixels of each grey level, from level 1; at least one pixel an image.
    """

    counts: NDArray[np.int64]

    @Quantity
    def _gradients(self) -> NDArray[np.float64]:
        """The gradient at each level, NaN above the highest one of an image."""
        n, number = self.counts.shape
        if number == 1:
            return np.zeros((n, 1))
        found = np.gradient(self.counts, axis=1)
        last = number - 1 - np.argmax(self.counts[:, ::-1] > 0, axis=1)
        row = np.arange(n)
        at_last = self.counts[row, last] - self.counts[row, np.maximum(last - 1, 0)]
        found[row, last] = at_last
        found[np.arange(number) > last[:, None]] = np.nan
        return found

    @Feature
    def maximum_histogram_gradient(self) -> Column:
        """Steepest rise of the histogram (12CE).

        Formula: max n′_i
        Unit: 1
        Range: [−N, N]
        """
        return np.nanmax(self._gradients, axis=1)

    @Feature
    def maximum_histogram_gradient_intensity(self) -> Column:
        """Level of the steepest rise; of several, the lowest (8E6O).

        Formula: argmax n′_i
        Unit: 1
        Range: [1, N_g]
        """
        return 1.0 + np.nanargmax(self._gradients, axis=1)

    @Feature
    def minimum_histogram_gradient(self) -> Column:
        """Steepest fall of the histogram (VQB3).

        Formula: min n′_i
        Unit: 1
        Range: [−N, N]
        """
        return np.nanmin(self._gradients, axis=1)

    @Feature
    def minimum_histogram_gradient_intensity(self) -> Column:
        """Level of the steepest fall; of several, the lowest (RHQZ).

        Formula: argmin n′_i
        Unit: 1
        Range: [1, N_g]
        """
        return 1.0 + np.nanargmin(self._gradients, axis=1)
