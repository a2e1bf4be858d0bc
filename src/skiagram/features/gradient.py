"""How steeply the intensities change from pixel to pixel."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from skiagram.features.feature import Column, Feature, Features


@dataclass(frozen=True)
class GradientMagnitude(Features):
    """Statistics of the gradient's magnitude in n images, in intensity units a pixel.

    The gradient is the central difference, one-sided at the border; along an axis of one pixel
    it is 0.

    Attributes:
        images: (n, height, width), finite float64.
    """

    images: NDArray[np.float64]

    @cached_property
    def _magnitude(self) -> NDArray[np.float64]:
        axes = [axis for axis in (1, 2) if self.images.shape[axis] > 1]
        squares = np.zeros_like(self.images)
        for axis in axes:
            squares += np.gradient(self.images, axis=axis) ** 2
        return np.sqrt(squares)

    @Feature
    def mean(self) -> Column:
        """Mean magnitude."""
        return self._magnitude.mean(axis=(1, 2))

    @Feature
    def variance(self) -> Column:
        """Variance of the magnitude, without Bessel's correction."""
        return self._magnitude.var(axis=(1, 2))

    @Feature
    def maximum(self) -> Column:
        """Largest magnitude."""
        return self._magnitude.max(axis=(1, 2))
