"""Feature family `sharpness`: how sharp and how noisy an image is."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from skiagram.compute.compiled import compiled
from skiagram.features.family import WholeImageFamily
from skiagram.features.feature import Floats
from skiagram.strict import (
    STRICT,
)


@compiled
def filter_moments(images: NDArray[Any]) -> Floats:
    """Return moments of three filters over the pixels that have eight neighbours.

    Returns:
        (3, n): variance of the Laplacian, mean squared Sobel gradient and mean absolute response to
        the noise mask; 0 for an image with fewer than three pixels on a side.
    """
    n, height, width = images.shape
    results = np.zeros((3, n))
    pixels = max(height - 2, 0) * max(width - 2, 0)
    if pixels == 0:
        return results
    laplacian, gradient, noise = np.empty(width - 2), np.empty(width - 2), np.empty(width - 2)
    for image in range(n):
        mean = 0.0
        for y in range(1, height - 1):
            _filter_row(images[image, y - 1 : y + 2], laplacian, gradient, noise)
            mean += laplacian.sum() / pixels
            results[1, image] += gradient.sum() / pixels
            results[2, image] += noise.sum() / pixels
        for y in range(1, height - 1):
            _filter_row(images[image, y - 1 : y + 2], laplacian, gradient, noise)
            results[0, image] += np.sum((laplacian - mean) ** 2) / pixels
    return results


@compiled
def _filter_row(rows: NDArray[Any], laplacian: Floats, gradient: Floats, noise: Floats) -> None:
    """Write the Laplacian, the squared Sobel gradient and the absolute noise response of a row."""
    for x in range(len(laplacian)):
        a, b, c = np.float64(rows[0, x]), np.float64(rows[0, x + 1]), np.float64(rows[0, x + 2])
        d, e, f = np.float64(rows[1, x]), np.float64(rows[1, x + 1]), np.float64(rows[1, x + 2])
        g, h, i = np.float64(rows[2, x]), np.float64(rows[2, x + 1]), np.float64(rows[2, x + 2])
        right, down = (c - a) + 2 * (f - d) + (i - g), (g - a) + 2 * (h - b) + (i - c)
        laplacian[x] = (b - e) + (d - e) + (f - e) + (h - e)
        gradient[x] = right * right + down * down
        noise[x] = abs((a - b) - (b - c) - 2 * ((d - e) - (e - f)) + (g - h) - (h - i))


@dataclass(**STRICT)
class Sharpness(WholeImageFamily):
    """Sharpness and noise; they differ between devices and exposures too, so can be a shortcut."""

    prefix: ClassVar[str] = "sharpness"

    def describe(self, images: NDArray[Any]) -> Floats:
        laplacian, gradient, noise = filter_moments(images)
        return np.stack([laplacian, gradient, np.sqrt(np.pi / 2) / 6 * noise], axis=1)
