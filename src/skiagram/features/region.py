"""Regions found in an image by its intensities alone."""

import numpy as np
from numpy.typing import NDArray

from skiagram.compiled import compiled

_LEVELS = 256


def bright_region(images: NDArray[np.float64], inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the pixels above Otsu's threshold over 256 grey levels.

    Otsu, IEEE Trans. SMC 9(1), 1979.

    Args:
        images: (n, height, width), finite.
        inside: (n, height, width), true where to look; at least one pixel an image.

    Returns:
        (n, height, width), within `inside`; all of it where the intensities are constant.
    """
    counts, scale = _count_levels(images, inside)
    shares = counts / counts.sum(axis=1, keepdims=True)
    below = np.cumsum(shares, axis=1)
    moment = np.cumsum(shares * np.arange(1, _LEVELS + 1), axis=1)
    spread = below * (1 - below)
    between = np.divide(
        (moment[:, -1:] * below - moment) ** 2,
        spread,
        out=np.zeros_like(spread),
        where=spread > 1e-12,
    )
    threshold = np.where(between.max(axis=1) > 0, between.argmax(axis=1), -1)
    return _above(images, inside, scale, threshold)


@compiled
def _count_levels(
    images: NDArray[np.float64], inside: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Count the pixels of each level from 0; return also the lowest intensity and the range."""
    n, height, width = images.shape
    counts, scale = np.zeros((n, _LEVELS), dtype=np.int64), np.empty((n, 2))
    for image in range(n):
        lowest, highest = np.inf, -np.inf
        for y in range(height):
            for x in range(width):
                if inside[image, y, x]:
                    lowest = min(lowest, images[image, y, x])
                    highest = max(highest, images[image, y, x])
        scale[image, 0], scale[image, 1] = lowest, highest - lowest
        for y in range(height):
            for x in range(width):
                if inside[image, y, x]:
                    counts[image, _level(images[image, y, x], lowest, highest - lowest)] += 1
    return counts, scale


@compiled
def _above(
    images: NDArray[np.float64],
    inside: NDArray[np.bool_],
    scale: NDArray[np.float64],
    threshold: NDArray[np.int64],
) -> NDArray[np.bool_]:
    n, height, width = images.shape
    bright = np.zeros(inside.shape, dtype=np.bool_)
    for image in range(n):
        for y in range(height):
            for x in range(width):
                if inside[image, y, x]:
                    level = _level(images[image, y, x], scale[image, 0], scale[image, 1])
                    bright[image, y, x] = level > threshold[image]
    return bright


@compiled
def _level(intensity: float, lowest: float, spread: float) -> int:
    if spread == 0:
        return 0
    return min(int(_LEVELS * (intensity - lowest) / spread), _LEVELS - 1)
