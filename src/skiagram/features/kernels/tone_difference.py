"""Grey levels against the mean of their neighbours (IBSI reference manual, section 3.10).

Amadasun and King, IEEE Trans. SMC 19(5), 1989.
"""

import numpy as np
from numpy.typing import NDArray

from skiagram.compiled import compiled


@compiled
def tone_differences(
    levels: NDArray[np.uint16], number: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Compare each pixel with the mean of its 8 neighbours, each voxel with that of its 26.

    Neighbours outside the region do not count; a pixel without any is left out.

    Args:
        levels: (n, depth, height, width) from 1 to `number`, 0 outside the region.
        number: Number of levels.

    Returns:
        (n, number) pixels of each level, n_i, and the sum of their differences from the mean of
        their neighbours, s_i.
    """
    n, depth, height, width = levels.shape
    around = 9 if depth == 1 else 27
    counts, sums = np.zeros((n, number), dtype=np.int64), np.zeros((n, number))
    total = np.empty(width + 2, dtype=np.int32)
    valid = np.empty(width + 2, dtype=np.int32)
    for image in range(n):
        found = np.zeros((number + 1, around), dtype=np.int64)
        apart = np.zeros((number + 1, around), dtype=np.int64)
        for z in range(depth):
            for y in range(height):
                _sum_columns(levels[image], z, y, total, valid)
                _compare(levels[image, z, y], total, valid, found, apart)
        for level in range(1, number + 1):
            for neighbours in range(1, around):
                counts[image, level - 1] += found[level, neighbours]
                sums[image, level - 1] += apart[level, neighbours] / neighbours
    return counts, sums


@compiled
def _sum_columns(
    levels: NDArray[np.uint16], z: int, y: int, total: NDArray[np.int32], valid: NDArray[np.int32]
) -> None:
    """Sum the levels and count the pixels of the region in each column near a row."""
    depth, height, width = levels.shape
    total[:] = 0
    valid[:] = 0
    for slice_ in range(max(z - 1, 0), min(z + 2, depth)):
        for row in range(max(y - 1, 0), min(y + 2, height)):
            for x in range(width):
                total[x + 1] += levels[slice_, row, x]
                valid[x + 1] += np.int32(levels[slice_, row, x] > 0)


@compiled
def _compare(
    row: NDArray[np.uint16],
    total: NDArray[np.int32],
    valid: NDArray[np.int32],
    found: NDArray[np.int64],
    apart: NDArray[np.int64],
) -> None:
    """Add a row's pixels by level and number of neighbours, and differences times that number."""
    for x in range(len(row)):
        level = np.int32(row[x])
        if level > 0:
            neighbours = valid[x] + valid[x + 1] + valid[x + 2] - 1
            sum_ = total[x] + total[x + 1] + total[x + 2] - level
            found[level, neighbours] += 1
            apart[level, neighbours] += abs(level * neighbours - sum_)


@compiled
def level_pairs(
    counts: NDArray[np.int64], sums: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Sum over all ordered pairs of levels i, j that occur.

    Args:
        counts: (n, number) pixels of each level, n_i.
        sums: (n, number) sums of differences, s_i.

    Returns:
        (n,) each: Σ |i n_i − j n_j|, Σ |i − j| (n_i s_i + n_j s_j) / (n_i + n_j) and
        Σ (n_i + n_j) (i − j)².
    """
    n, number = counts.shape
    products, weighted, squares = np.zeros(n), np.zeros(n), np.zeros(n)
    for image in range(n):
        count, sum_ = counts[image], sums[image]
        for i in range(number):
            for j in range(i):
                if count[i] > 0 and count[j] > 0:
                    both = count[i] + count[j]
                    mixed = (count[i] * sum_[i] + count[j] * sum_[j]) / both
                    products[image] += 2 * abs((i + 1) * count[i] - (j + 1) * count[j])
                    weighted[image] += 2 * (i - j) * mixed
                    squares[image] += 2 * both * (i - j) ** 2
    return products, weighted, squares
