"""Feature family `gradient`: how steeply the intensities change from pixel to pixel."""

from typing import ClassVar

import numpy as np
from pydantic.dataclasses import dataclass

from skiagram.arrays import Flags, Floats
from skiagram.compiled.loops import compiled
from skiagram.features.batch import FeatureBatch
from skiagram.features.family import RegionFamily
from skiagram.strict import STRICT


@compiled
def gradient_moments(images: Floats, inside: Flags) -> Floats:
    """Compute mean, variance and maximum of the gradient's magnitude.

    The gradient is the central difference, one-sided at the border of the image, and 0 along an
    axis of one pixel. Neighbours count whether or not they are in the region.

    Args:
        images: (n, height, width).
        inside: Of the same shape, the region; (1, 1, 1) for all pixels.

    Returns:
        (n, 3), per pixel.
    """
    n, height, width = images.shape
    whole = inside.shape != images.shape
    results = np.zeros((n, 3))
    # Two passes: the mean and the maximum, then the variance about the mean.
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
        # Magnitudes are computed again, so that no image of them is held.
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
    """Compute the length of the gradient at a pixel, in intensities a pixel."""
    top, bottom = max(y - 1, 0), min(y + 1, image.shape[0] - 1)
    left, right = max(x - 1, 0), min(x + 1, image.shape[1] - 1)
    down = (image[bottom, x] - image[top, x]) / max(bottom - top, 1)
    along = (image[y, right] - image[y, left]) / max(right - left, 1)
    return np.sqrt(down * down + along * along)


@dataclass(**STRICT)
class Gradient(RegionFamily):
    """Steepness of the intensities."""

    prefix: ClassVar[str] = "gradient"

    def reach(self, spacing: Floats) -> Floats:
        return np.ones_like(spacing)

    def extract(self, batch: FeatureBatch) -> Floats:
        grey, inside = batch.luminance("gradient"), batch.inside(self.region, "gradient")
        return gradient_moments(grey, np.ones((1, 1, 1), np.bool_) if inside is None else inside)
