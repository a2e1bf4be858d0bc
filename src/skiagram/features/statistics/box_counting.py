"""Box counting dimension of an intensity surface."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skiagram.features.statistics.power_law import log_slope


def box_counting_dimension(images: NDArray[Any]) -> NDArray[np.float64]:
    """Return the differential box counting dimension of the intensity surface, (n,).

    Sarkar and Chaudhuri, IEEE Trans. SMC 24(1), 1994: boxes of side s = 2, 4, 8 … up to half of
    M, the shorter side, are as high as the share s/M of the image's range; the surface over a
    square of side s meets ⌊max/h⌋ − ⌊min/h⌋ + 1 of them. The dimension is 2 minus the slope of the
    logarithm of their mean number over log s. Sides are counted between the centres of pixels, so
    that neighbouring squares share their border and no step between them is lost (Li, Du and
    Sun, Pattern Recognition 42(11), 2009); squares beyond the border are left out.

    Like every box count it lies below the true dimension of a rough surface: about 2.55 where
    3 is true and 2.3 where 2.5 is, in 256 × 256 pixels.

    Args:
        images: (n, height, width) of any depth, finite.
    """
    lowest, highest = (
        extreme(images, axis=(1, 2), keepdims=True).astype(np.float64)
        for extreme in (np.min, np.max)
    )
    spread = highest - lowest
    shorter = min(images.shape[1:]) - 1
    largest = smallest = images
    sides, counts = [], []
    side = 2
    while 2 * side <= shorter:
        shared = side == 2
        largest, smallest = (
            _pooled(largest, np.maximum, shared),
            _pooled(smallest, np.minimum, shared),
        )
        height = np.where(spread > 0, spread, 1) * (side / shorter)
        boxes = _boxes(largest, lowest, height)
        boxes -= _boxes(smallest, lowest, height)
        sides.append(side)
        counts.append(boxes.mean(axis=(1, 2)) + 1)
        side *= 2
    if len(sides) < 2:
        return np.full(len(images), 2.0)
    return 2 - log_slope(np.array(sides), np.stack(counts))


def _boxes(
    surface: NDArray[Any], lowest: NDArray[np.float64], height: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return how many whole boxes stand below the surface."""
    boxes = surface.astype(np.float64)
    boxes -= lowest
    boxes /= height
    return np.floor(boxes, out=boxes)


def _pooled(images: NDArray[Any], extreme: np.ufunc, shared: bool) -> NDArray[Any]:
    """Return the extremes of squares of 2 × 2, or 3 × 3 that share their border, as (n, h, w)."""
    for axis in (1, 2):
        places = (images.shape[axis] - shared) // 2
        parts = np.moveaxis(images, axis, 0)
        pooled = extreme(parts[0 : 2 * places : 2], parts[1 : 2 * places : 2])
        if shared:
            extreme(pooled, parts[2 : 2 * places + 1 : 2], out=pooled)
        images = np.moveaxis(pooled, 0, axis)
    return images
