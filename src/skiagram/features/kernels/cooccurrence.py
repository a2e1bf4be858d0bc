"""Co-occurrence of grey levels: which levels stand next to which (IBSI manual, section 3.6).

Only what the features need leaves the loops: the sums and the differences of the two levels carry
most of a matrix (Unser, IEEE Trans. PAMI 8(1), 1986), so a batch takes little memory.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skiagram.compiled import compiled


class Cooccurrences(NamedTuple):
    """What is kept of m symmetric matrices; the entries p_ij of each sum to 1.

    Attributes:
        sums: (m, 2N − 1) share of each sum of two levels, from 2.
        differences: (m, N) share of each absolute difference of two levels, from 0.
        levels: (m, N) share of each level, from 1.
        largest: (m,) largest p_ij.
        squares: (m,) Σ p_ij².
        entropy: (m,) −Σ p_ij log₂ p_ij.
        highest: (m,) highest level of the image.
        pairs: (m,) how many pairs of pixels were counted.
    """

    sums: NDArray[np.float64]
    differences: NDArray[np.float64]
    levels: NDArray[np.float64]
    largest: NDArray[np.float64]
    squares: NDArray[np.float64]
    entropy: NDArray[np.float64]
    highest: NDArray[np.int64]
    pairs: NDArray[np.int64]


@compiled
def cooccurrences(
    levels: NDArray[np.uint16], number: int, offsets: NDArray[np.int64], merged: bool
) -> Cooccurrences:
    """Count the pairs of levels in several directions and reduce each matrix.

    An image without any pair in its region looks constant: each pixel is paired with itself in the
    first matrix.

    Args:
        levels: (n, depth, height, width) from 1 to `number`, 0 outside the region.
        number: Number of levels, N.
        offsets: (k, 3) slices (from 0), rows and columns from a pixel to its neighbour.
        merged: Whether the k matrices of an image are added up into one.

    Returns:
        The matrices of each image one after the other: m is n if merged, else n · k.
    """
    n, ways = len(levels), 1 if merged else len(offsets)
    found = _nothing(n * ways, number)
    itself = np.zeros(3, dtype=np.int64)
    for image in range(n):
        any_pair = False
        highest = int(levels[image].max())
        counts = np.zeros((highest + 1, highest + 1), dtype=np.int64)
        found.highest[image * ways : (image + 1) * ways] = highest
        for way in range(len(offsets)):
            _count(levels[image], offsets[way], counts)
            if not merged or way == len(offsets) - 1:
                any_pair |= _reduce(counts, image * ways + way % ways, found)
        if not any_pair:
            _count(levels[image], itself, counts)
            _reduce(counts, image * ways, found)
    return found


@compiled
def _nothing(matrices: int, number: int) -> Cooccurrences:
    return Cooccurrences(
        np.zeros((matrices, 2 * number - 1)),
        np.zeros((matrices, number)),
        np.zeros((matrices, number)),
        np.zeros(matrices),
        np.zeros(matrices),
        np.zeros(matrices),
        np.zeros(matrices, dtype=np.int64),
        np.zeros(matrices, dtype=np.int64),
    )


@compiled
def _count(
    levels: NDArray[np.uint16], offset: NDArray[np.int64], counts: NDArray[np.int64]
) -> None:
    """Count each pair once; pairs with a pixel outside the region end in row or column 0."""
    depth, height, width = levels.shape
    far, down, right = offset
    left = max(0, -right)  # first column with a neighbour
    for z in range(depth - far):
        for y in range(max(0, -down), height - max(0, down)):
            first = levels[z, y, left:]
            second = levels[z + far, y + down, left + right :]
            for x in range(width - abs(right)):
                counts[first[x], second[x]] += 1


@compiled
def _reduce(counts: NDArray[np.int64], row: int, found: Cooccurrences) -> bool:
    """Move what the features need of a matrix to its row, empty it, return if it held a pair."""
    pairs = counts[1:, 1:].sum()
    found.pairs[row] = pairs
    if pairs > 0:
        for i in range(1, len(counts)):
            found.sums[row, 2 * i - 2] += counts[i, i] / pairs
            found.differences[row, 0] += counts[i, i] / pairs
            found.levels[row, i - 1] += counts[i, i] / pairs
            _entry(counts[i, i] / pairs, 1, row, found)
            for j in range(1, i):
                both = counts[i, j] + counts[j, i]
                if both > 0:
                    share = both / (2 * pairs)
                    found.sums[row, i + j - 2] += 2 * share
                    found.differences[row, i - j] += 2 * share
                    found.levels[row, i - 1] += share
                    found.levels[row, j - 1] += share
                    _entry(share, 2, row, found)
    counts[:] = 0
    return pairs > 0


@compiled
def _entry(share: float, times: int, row: int, found: Cooccurrences) -> None:
    if share > 0:
        found.largest[row] = max(found.largest[row], share)
        found.squares[row] += times * share * share
        found.entropy[row] -= times * share * np.log2(share)
