"""Runs of equal grey level along a direction (IBSI reference manual, section 3.7)."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skiagram.compiled import compiled


class RunLengths(NamedTuple):
    """What is kept of m matrices r_ij, the number of runs of level i and length j.

    Attributes:
        levels: (m, N) runs of each level, Σ_j r_ij.
        lengths: (m, longest) runs of each length, Σ_i r_ij, from 1.
        short: (m, N) Σ_j r_ij / j².
        long: (m, N) Σ_j r_ij j².
        surprise: (m,) Σ r_ij log₂ r_ij.
    """

    levels: NDArray[np.float64]
    lengths: NDArray[np.float64]
    short: NDArray[np.float64]
    long: NDArray[np.float64]
    surprise: NDArray[np.float64]


@compiled
def run_lengths(
    levels: NDArray[np.uint16], number: int, offsets: NDArray[np.int64], merged: bool
) -> RunLengths:
    """Count the runs in several directions and reduce each matrix.

    Args:
        levels: (n, depth, height, width) from 1 to `number`, 0 outside the region.
        number: Number of levels, N.
        offsets: (k, 3) slices (from 0), rows and columns from a pixel to its neighbour.
        merged: Whether the k matrices of an image are added up into one.

    Returns:
        The matrices of each image one after the other: m is n if merged, else n · k.
    """
    n, depth, height, width = levels.shape
    ways, longest = 1 if merged else len(offsets), max(depth, height, width)
    found = RunLengths(
        np.zeros((n * ways, number)),
        np.zeros((n * ways, longest)),
        np.zeros((n * ways, number)),
        np.zeros((n * ways, number)),
        np.zeros(n * ways),
    )
    reached = np.zeros((longest + 2, number + 1), dtype=np.int64)
    for image in range(n):
        for way in range(len(offsets)):
            _follow(levels[image], offsets[way], reached)
            if not merged or way == len(offsets) - 1:
                _reduce(reached, image * ways + way % ways, found)
    return found


@compiled
def _follow(
    levels: NDArray[np.uint16], offset: NDArray[np.int64], reached: NDArray[np.int64]
) -> None:
    """Count at each pixel the length that its run has reached there: no branch at a run's end.

    The pixel before in the same run lies a fixed number of pixels back, so that as many lengths,
    overwritten in turn, are all that is remembered.
    """
    depth, height, width = levels.shape
    far, down, right = offset
    back = max(1, (far * height + down) * width + right)
    length = np.zeros(back, dtype=np.int64)
    slot = 0
    for z in range(depth):
        for y in range(height):
            has_row = z >= far and 0 <= y - down < height
            before = levels[z - far, y - down] if has_row else levels[z, y]
            for x in range(width):
                level = levels[z, y, x]
                same = has_row and 0 <= x - right < width and before[x - right] == level
                length[slot] = length[slot] + 1 if same else 1
                reached[length[slot], level] += 1
                slot = slot + 1 if slot + 1 < back else 0


@compiled
def _reduce(reached: NDArray[np.int64], row: int, found: RunLengths) -> None:
    """Move what the features need of a matrix to its row and empty it."""
    length = 1
    while reached[length].any():
        for level in range(1, reached.shape[1]):
            runs = reached[length, level] - reached[length + 1, level]  # that end at this length
            if runs > 0:
                found.levels[row, level - 1] += runs
                found.lengths[row, length - 1] += runs
                found.short[row, level - 1] += runs / length**2
                found.long[row, level - 1] += runs * length**2
                found.surprise[row] += runs * np.log2(runs)
        length += 1
    reached[:length] = 0
