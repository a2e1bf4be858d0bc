"""Feature family `gradient`: how steeply the intensities change from pixel to pixel."""

from dataclasses import dataclass as record
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from skiagram.compute.compiled import compiled
from skiagram.features.batch import FeatureBatch
from skiagram.features.family import RegionFamily
from skiagram.features.feature import Column, Feature, Features, Quantity
from skiagram.options import STRICT

Floats = NDArray[np.float64]


@compiled
def gradient_moments(images: Floats, inside: NDArray[np.bool_]) -> Floats:
    """Return mean, variance and maximum of the gradient's magnitude.

    The gradient is the central difference, one-sided at the border of the image, and 0 along an
    axis of one pixel. Neighbours count whether or not they are in the region.

    Args:
        images: (n, height, width), finite.
        inside: Of the same shape, true in the region, at least one pixel per image; of shape
            (1, 1, 1) for all pixels.

    Returns:
        (n, 3).
    """
    n, height, width = images.shape
    whole = inside.shape != images.shape
    results = np.zeros((n, 3))
    for image in range(n):
        total = largest = 0.0
        count = 0
        for y in range(height):
            for x in range(width):
                if whole or inside[image, y, x]:
                    magnitude = _magnitude(images[image], y, x)
                    total += magnitude
                    largest = max(largest, magnitude)
                    count += 1
        mean, squares = total / count, 0.0
        for y in range(height):
            for x in range(width):
                if whole or inside[image, y, x]:
                    deviation = _magnitude(images[image], y, x) - mean
                    squares += deviation * deviation
        results[image, 0], results[image, 1], results[image, 2] = mean, squares / count, largest
    return results


@compiled
def _magnitude(image: Floats, y: int, x: int) -> float:
    top, bottom = max(y - 1, 0), min(y + 1, image.shape[0] - 1)
    left, right = max(x - 1, 0), min(x + 1, image.shape[1] - 1)
    down = (image[bottom, x] - image[top, x]) / max(bottom - top, 1)
    along = (image[y, right] - image[y, left]) / max(right - left, 1)
    return np.sqrt(down * down + along * along)


@record(frozen=True)
class GradientMagnitude(Features):
    """Statistics of the gradient's magnitude in n images.

    In the formulas g is the magnitude of the gradient, √(∂x² + ∂y²), at the N pixels of the region.
    Derivatives are central differences, one-sided at the border of the image; along an axis of one
    pixel they are 0.

    Attributes:
        images: (n, height, width), finite float64.
        inside: Of the same shape, true in the region, at least one pixel per image; None for all.
    """

    images: Floats
    inside: NDArray[np.bool_] | None = None

    @Quantity
    def _moments(self) -> Floats:
        inside = np.ones((1, 1, 1), np.bool_) if self.inside is None else self.inside
        return gradient_moments(self.images, inside)

    @Feature
    def mean(self) -> Column:
        """Mean steepness.

        Formula: μ = Σ g / N
        Unit: intensity / pixel
        Range: from 0
        """
        return self._moments[:, 0]

    @Feature
    def variance(self) -> Column:
        """Variance of the steepness, without Bessel's correction.

        Formula: Σ (g − μ)² / N
        Unit: intensity² / pixel²
        Range: from 0
        """
        return self._moments[:, 1]

    @Feature
    def maximum(self) -> Column:
        """Largest steepness.

        Formula: max g
        Unit: intensity / pixel
        Range: from 0
        """
        return self._moments[:, 2]


@dataclass(**STRICT)
class Gradient(RegionFamily):
    """Steepness of the intensities."""

    prefix: ClassVar[str] = "gradient"
    groups: ClassVar[tuple[type[Features], ...]] = (GradientMagnitude,)

    def extract(self, batch: FeatureBatch) -> Floats:
        """Compute the features of n plane images, (n, 3).

        Raises:
            DataError: The images are volumes or have neither one channel nor three.
        """
        grey = batch.luminance("gradient")
        return GradientMagnitude(grey, batch.inside(self.region, "gradient")).columns()
