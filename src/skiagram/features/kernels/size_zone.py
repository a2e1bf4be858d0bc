"""Zones by their size (IBSI reference manual, section 3.8).

Zones are counted sparsely. Zones of distinct (size, level) fill an image soonest when every level
has the sizes 1, 2, …, so P pixels of L levels hold at most √(2PL) + L distinct ones: no matrix of
sizes by levels is made.
"""

import numpy as np
from numpy.typing import NDArray

from skiagram.compiled import compiled


@compiled
def size_zones(
    levels: NDArray[np.uint16], forest: NDArray[np.int32], number: int
) -> NDArray[np.int64]:
    """Count the zones of each size and level.

    Args:
        levels: (n, depth, height, width) from 1 to `number`, 0 outside the region.
        forest: (n, pixels) of `zone_forest`.
        number: Number of levels.

    Returns:
        (4, m): image, size, level and how many, in the order of image, size and level.
    """
    n, pixels = forest.shape
    small = int(np.sqrt(pixels))  # zones up to this size are tallied; the larger ones are few
    tally = np.zeros((small + 1, number + 1), dtype=np.int64)
    large = np.empty(pixels // (small + 1), dtype=np.int64)
    distinct = min(pixels, int(np.sqrt(2.0 * pixels * number)) + number + 1)
    entries = np.empty((4, n * distinct), dtype=np.int64)
    used = 0
    for image in range(n):
        n_large = _tally(levels[image].ravel(), forest[image], tally, large)
        used = _collect_small(image, tally, entries, used)
        large[:n_large].sort()
        used = _collect_large(image, large[:n_large], number, entries, used)
    return entries[:, :used]


@compiled
def _tally(
    levels: NDArray[np.uint16],
    forest: NDArray[np.int32],
    tally: NDArray[np.int64],
    large: NDArray[np.int64],
) -> int:
    """Count small zones in `tally`, list large ones as one number each; return how many."""
    small, number = tally.shape[0] - 1, tally.shape[1] - 1
    n_large = 0
    for place in range(len(levels)):
        size = -forest[place]
        if size > small:
            large[n_large] = size * (number + 1) + levels[place]
            n_large += 1
        elif size > 0:
            tally[size, levels[place]] += 1
    return n_large


@compiled
def _collect_small(
    image: int, tally: NDArray[np.int64], entries: NDArray[np.int64], used: int
) -> int:
    """Move what is tallied to the entries, which leaves the tally empty for the next image."""
    for size in range(1, tally.shape[0]):
        for level in range(1, tally.shape[1]):
            if tally[size, level] > 0:
                _enter(entries, used, image, size, level, tally[size, level])
                tally[size, level] = 0
                used += 1
    return used


@compiled
def _collect_large(
    image: int, large: NDArray[np.int64], number: int, entries: NDArray[np.int64], used: int
) -> int:
    for position in range(len(large)):
        if position > 0 and large[position] == large[position - 1]:
            entries[3, used - 1] += 1
        else:
            size, level = divmod(large[position], number + 1)
            _enter(entries, used, image, size, level, 1)
            used += 1
    return used


@compiled
def _enter(
    entries: NDArray[np.int64], used: int, image: int, size: int, level: int, count: int
) -> None:
    entries[0, used] = image
    entries[1, used] = size
    entries[2, used] = level
    entries[3, used] = count
