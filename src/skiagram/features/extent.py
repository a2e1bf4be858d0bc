"""Length and width, of the image and of the bright region in it."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from skiagram.features.discretisation import Discretisation, histograms
from skiagram.features.feature import Column, Feature, Features, ratio

_LEVELS = Discretisation(bin_number=256, bin_width=None)


@dataclass(frozen=True)
class Extent(Features):
    """Lengths and widths in n images, in pixels.

    The region is what Otsu's threshold calls bright (IEEE Trans. SMC 9(1), 1979); a constant
    image has none, and its lengths are 0.

    Attributes:
        images: (n, height, width), finite float64.
    """

    images: NDArray[np.float64]

    @cached_property
    def _axes(self) -> tuple[Column, Column]:
        major, minor = principal_axes(bright_region(self.images))
        return major, minor

    @Feature
    def image_height(self) -> Column:
        """Rows of the image."""
        return np.full(len(self.images), float(self.images.shape[1]))

    @Feature
    def image_width(self) -> Column:
        """Columns of the image."""
        return np.full(len(self.images), float(self.images.shape[2]))

    @Feature
    def region_length(self) -> Column:
        """Major axis length of the bright region, 4 √(largest variance of its places) (TDIC)."""
        return self._axes[0]

    @Feature
    def region_width(self) -> Column:
        """Minor axis length of the bright region, 4 √(smallest variance of its places) (P9VJ)."""
        return self._axes[1]


def bright_region(images: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return the pixels above Otsu's threshold over 256 grey levels.

    Args:
        images: (n, height, width), finite.

    Returns:
        (n, height, width); all False in a constant image.
    """
    levels = _LEVELS.levels(images)
    shares = histograms(levels, 256)
    below = np.cumsum(shares, axis=1)
    moment = np.cumsum(shares * np.arange(256), axis=1)
    mean = moment[:, -1:]
    spread = below * (1 - below)
    between = np.divide(
        (mean * below - moment) ** 2, spread, out=np.zeros_like(spread), where=spread > 1e-12
    )
    threshold = between.argmax(axis=1)
    return levels > threshold[:, None, None]


def principal_axes(region: NDArray[np.bool_]) -> tuple[Column, Column]:
    """Return the major and the minor axis length of each region.

    Args:
        region: (n, height, width).

    Returns:
        Two (n,) arrays of 4 √λ, λ the eigenvalues of the covariance of the pixels' places;
        0 for an empty region.
    """
    size = region.sum(axis=(1, 2)).astype(np.float64)
    rows, columns = region.sum(axis=2), region.sum(axis=1)
    y, x = np.arange(region.shape[1]), np.arange(region.shape[2])
    y_mean, x_mean = ratio(rows @ y, size), ratio(columns @ x, size)
    y_offset, x_offset = y - y_mean[:, None], x - x_mean[:, None]
    y_variance = ratio(np.sum(rows * y_offset**2, axis=1), size)
    x_variance = ratio(np.sum(columns * x_offset**2, axis=1), size)
    joint = np.einsum("nyx,ny,nx->n", region.astype(np.float64), y_offset, x_offset, optimize=True)
    covariance = ratio(joint, size)
    half = (y_variance + x_variance) / 2
    apart = np.hypot((y_variance - x_variance) / 2, covariance)
    return 4 * np.sqrt(half + apart), 4 * np.sqrt(np.maximum(half - apart, 0))
