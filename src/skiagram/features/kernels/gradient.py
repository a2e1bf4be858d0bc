"""Steepness of the intensities, in two passes an image and without an image of gradients."""

import numpy as np
from numpy.typing import NDArray

from skiagram.compiled import compiled


@compiled
def gradient_moments(images: NDArray[np.float64], inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return mean, variance and maximum of the gradient's magnitude.

    The gradient is the central difference, one-sided at the border of the image, and 0 along an
    axis of one pixel. Neighbours count whether or not they are in the region.

    Args:
        images: (n, height, width), finite.
        inside: Of the same shape, true in the region, at least one pixel an image; of shape
            (1, 1, 1) for all pixels.

    Returns:
        (n, 3).
    """
    n, height, width = images.shape
    whole = inside.shape != images.shape
    found = np.zeros((n, 3))
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
        found[image, 0], found[image, 1], found[image, 2] = mean, squares / count, largest
    return found


@compiled
def _magnitude(image: NDArray[np.float64], y: int, x: int) -> float:
    top, bottom = max(y - 1, 0), min(y + 1, image.shape[0] - 1)
    left, right = max(x - 1, 0), min(x + 1, image.shape[1] - 1)
    down = (image[bottom, x] - image[top, x]) / max(bottom - top, 1)
    along = (image[y, right] - image[y, left]) / max(right - left, 1)
    return np.sqrt(down * down + along * along)
