"""How often each grey level occurs, and percentiles of the levels."""

import numpy as np
from numpy.typing import NDArray

from skiagram.compiled import compiled
from skiagram.features.kernels.order_statistics import between


@compiled
def count_levels(levels: NDArray[np.uint16], number: int) -> NDArray[np.int64]:
    """Count the pixels of each grey level.

    Args:
        levels: (n, depth, height, width) from 1 to `number`, 0 outside the region.
        number: Number of levels.

    Returns:
        (n, number), in the order of the levels.
    """
    n = len(levels)
    flat = levels.reshape(n, -1)
    counts = np.zeros((n, number + 1), dtype=np.int64)
    for image in range(n):
        for level in flat[image]:
            counts[image, level] += 1
    return counts[:, 1:]


@compiled
def level_percentiles(
    counts: NDArray[np.int64], fractions: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return percentiles of the levels, linearly interpolated as those of intensities are.

    Args:
        counts: (n, levels) pixels of each level, from level 1; at least one pixel an image.
        fractions: (k,) in [0, 1].

    Returns:
        (k, n).
    """
    found = np.empty((len(fractions), len(counts)))
    for image in range(len(counts)):
        last = counts[image].sum() - 1
        for at in range(len(fractions)):
            position = last * fractions[at]
            rank = int(position)
            below = _level(counts[image], rank)
            above = _level(counts[image], min(rank + 1, last))
            found[at, image] = between(below, above, position - rank)
    return found


@compiled
def _level(counts: NDArray[np.int64], rank: int) -> int:
    level = upto = 0
    while upto <= rank:
        upto += counts[level]
        level += 1
    return level
