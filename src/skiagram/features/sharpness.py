"""Feature family `sharpness`: how sharp and how noisy an image is."""

from dataclasses import dataclass as record
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from skiagram.compute.compiled import compiled
from skiagram.features.family import GroupFamily, WholeImageFamily
from skiagram.features.feature import Column, Feature, Features
from skiagram.options import STRICT


@compiled
def filter_moments(images: NDArray[Any]) -> NDArray[np.float64]:
    """Return moments of three filters over the pixels that have eight neighbours.

    Args:
        images: (n, height, width) of any depth, finite.

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
def _filter_row(
    rows: NDArray[Any],
    laplacian: NDArray[np.float64],
    gradient: NDArray[np.float64],
    noise: NDArray[np.float64],
) -> None:
    """Write the Laplacian, the squared Sobel gradient and the absolute noise response of a row."""
    for x in range(len(laplacian)):
        a, b, c = np.float64(rows[0, x]), np.float64(rows[0, x + 1]), np.float64(rows[0, x + 2])
        d, e, f = np.float64(rows[1, x]), np.float64(rows[1, x + 1]), np.float64(rows[1, x + 2])
        g, h, i = np.float64(rows[2, x]), np.float64(rows[2, x + 1]), np.float64(rows[2, x + 2])
        right, down = (c - a) + 2 * (f - d) + (i - g), (g - a) + 2 * (h - b) + (i - c)
        laplacian[x] = (b - e) + (d - e) + (f - e) + (h - e)
        gradient[x] = right * right + down * down
        noise[x] = abs((a - b) - (b - c) - 2 * ((d - e) - (e - f)) + (g - h) - (h - i))


@record(frozen=True)
class SharpnessFeatures(Features):
    """Sharpness and noise of n images.

    In the formulas x are the intensities, * is filtering and N the number of pixels that have eight
    neighbours; other pixels are left out. All features are 0 for an image without such pixels and
    for a constant one.

    Attributes:
        moments: (3, n) of `filter_moments`.
    """

    moments: NDArray[np.float64]

    @Feature
    def laplacian_variance(self) -> Column:
        """Variance of the Laplacian: blur lowers it, noise raises it (Pech-Pacheco, ICPR 2000).

        Formula: Σ (l − Σ l / N)² / N, l = x * [0 1 0; 1 −4 1; 0 1 0]
        Unit: intensity²
        Range: from 0
        """
        return self.moments[0]

    @Feature
    def tenengrad(self) -> Column:
        """Mean squared Sobel gradient: blur lowers it (Krotkov, Int. J. Computer Vision 1, 1987).

        Formula: Σ ((x * S)² + (x * Sᵀ)²) / N, S = [−1 0 1; −2 0 2; −1 0 1]
        Unit: intensity²
        Range: from 0
        """
        return self.moments[1]

    @Feature
    def noise(self) -> Column:
        """Estimated standard deviation of the noise (Immerkær, CVIU 64(2), 1996).

        Formula: √(π / 2) Σ |x * M| / (6 N), M = [1 −2 1; −2 4 −2; 1 −2 1]
        Unit: intensity
        Range: from 0
        """
        return np.sqrt(np.pi / 2) / 6 * self.moments[2]


@dataclass(**STRICT)
class Sharpness(GroupFamily, WholeImageFamily):
    """Sharpness and noise; they differ between devices and exposures too, so can be a shortcut."""

    prefix: ClassVar[str] = "sharpness"
    groups: ClassVar[tuple[type[Features], ...]] = (SharpnessFeatures,)

    def describe(self, images: NDArray[Any]) -> NDArray[np.float64]:
        """Compute the features of n images, (n, 3)."""
        return SharpnessFeatures(filter_moments(images)).columns()
