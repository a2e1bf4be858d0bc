"""Feature family `ngtdm`: grey levels against the mean of their neighbours (IBSI 3.10, IPET)."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from skiagram.arrays import Floats, Whole
from skiagram.compiled.loops import compiled
from skiagram.features.discretisation import GreyLevels
from skiagram.features.family import TextureFamily, add_parts
from skiagram.features.neighbours import BLOCK, Levels, copy
from skiagram.strict import STRICT

Totals = NDArray[np.int32]


@compiled
def tone_differences(levels: Levels, number: int, isolated: bool) -> tuple[Whole, Floats]:
    """Compare each pixel with the mean of its 8 neighbours, each voxel with that of its 26.

    Neighbours outside the region do not count; a pixel without any is left out, or counted with a
    difference of 0.

    Args:
        levels: (n, depth, height, width), 0 outside the region.
        number: Levels.
        isolated: Whether a pixel without a neighbour counts.

    Returns:
        (n, number) pixels of each level, n_i, and the sum of their differences from the mean of
        their neighbours, s_i.
    """
    # The neighbours and the pixel itself.
    n, depth, height, width = levels.shape
    around = 9 if depth == 1 else 27
    counts, sums = np.zeros((n, number), dtype=np.int64), np.zeros((n, number))
    wide, deep = width + 2, min(depth, 3)
    # Zeros around the last slices, so that neighbours lie a fixed number of cells away.
    framed = np.zeros((deep, (height + 2) * wide), dtype=np.uint16)
    rows = min(height, max(1, BLOCK // wide))
    totals = np.empty((rows + 2) * wide, np.int32)
    cells, differences = np.empty(rows * wide, np.int32), np.empty(rows * wide, np.int32)
    pixels = np.zeros((number + 1) * around, dtype=np.int64)  # of each level and number around
    apart = np.zeros((number + 1) * around, dtype=np.int64)
    for image in range(n):
        # Slices enter the frame when they are needed, and replace the last but two.
        for z in range(depth):
            for slice_ in range(z if z == 0 else z + 1, min(z + 2, depth)):
                _frame(levels[image, slice_], framed[slice_ % deep])
            # Sums over the neighbourhood: slices, then rows, then columns.
            for top in range(0, height, rows):
                count = min(rows, height - top)
                first, last = top * wide, (top + count + 2) * wide
                total = totals[: last - first]
                _add_slices(framed, z, depth, first, total)
                centre = framed[z % deep][first + wide : last - wide]
                _add_rows(total[: len(centre)], total[wide:], total[2 * wide :])
                _compare(centre, total, np.int32(around), cells, differences)
                _tally(centre, cells, differences, pixels, apart)
        # Differences of each level, weighted by how many neighbours there were.
        for level in range(1, number + 1):
            if isolated:
                counts[image, level - 1] += pixels[level * around]
            for neighbours in range(1, around):
                cell = level * around + neighbours
                counts[image, level - 1] += pixels[cell]
                sums[image, level - 1] += apart[cell] / neighbours
        pixels[:] = 0
        apart[:] = 0
    return counts, sums


@compiled
def _frame(levels: Levels, framed: Levels) -> None:
    """Copy a slice to the inside of one that is a pixel larger at each side."""
    height, width = levels.shape
    for y in range(height):
        begin = (y + 1) * (width + 2) + 1
        copy(levels[y], framed[begin : begin + width])


_BITS = 16
_PIXEL = 2**_BITS  # a pixel of the region is counted above the sum of up to 27 levels


@compiled
def _add_slices(framed: Levels, z: int, depth: int, first: int, total: Totals) -> None:
    """Add up a slice and those beside it, which stand in turn, from a cell on."""
    total[:] = 0
    for near in range(max(z - 1, 0), min(z + 2, depth)):
        _add(framed[near % len(framed)][first : first + len(total)], total)


@compiled
def _add(levels: Levels, total: Totals) -> None:
    """Add a slice to totals: its levels, and above them a count of its pixels in the region."""
    for x in range(len(levels)):
        level = np.int32(levels[x])
        total[x] += level + np.int32(level > 0) * np.int32(_PIXEL)


@compiled
def _add_rows(north: Totals, middle: Totals, south: Totals) -> None:
    """Add up three rows in the place of the first."""
    for x in range(len(north)):
        north[x] = north[x] + middle[x] + south[x]


@compiled
def _compare(
    row: Levels, columns: Totals, around: np.int32, cells: Totals, differences: Totals
) -> None:
    """Set each pixel's cell, by level and number of neighbours, and its difference times these."""
    for x in range(1, len(row) - 1):
        level = np.int32(row[x])
        total = np.int32(columns[x - 1] + columns[x] + columns[x + 1])
        neighbours = np.int32(np.int32(total >> _BITS) - np.int32(1))
        sum_ = np.int32(np.int32(total & np.int32(_PIXEL - 1)) - level)
        cells[x] = np.int32(np.int32(level * around) + neighbours)
        differences[x] = abs(np.int32(np.int32(level * neighbours) - sum_))


@compiled
def _tally(row: Levels, cells: Totals, differences: Totals, pixels: Whole, apart: Whole) -> None:
    """Add each pixel of the region to its cell, by level and number of neighbours."""
    for x in range(1, len(row) - 1):
        if row[x] > 0:
            pixels[np.uintp(cells[x])] += 1
            apart[np.uintp(cells[x])] += np.int64(differences[x])


@compiled
def level_pairs(count: Whole, sum_: Floats) -> tuple[float, float, float]:
    """Sum over all ordered pairs of levels i, j that occur in an image.

    Args:
        count: (number,) pixels of each level, n_i.
        sum_: (number,) sums of differences, s_i.

    Returns:
        Σ |i n_i − j n_j|, Σ |i − j| (n_i s_i + n_j s_j) / (n_i + n_j) and Σ (n_i + n_j) (i − j)².
    """
    # Ordered pairs are twice the unordered ones.
    products = weighted = squares = 0.0
    for i in range(len(count)):
        for j in range(i):
            if count[i] > 0 and count[j] > 0:
                both = count[i] + count[j]
                mixed = (count[i] * sum_[i] + count[j] * sum_[j]) / both
                products += 2 * abs((i + 1) * count[i] - (j + 1) * count[j])
                weighted += 2 * (i - j) * mixed
                squares += 2 * both * (i - j) ** 2
    return products, weighted, squares


MAX_COARSENESS = 1e6


@compiled
def relate(counts: Whole, sums: Floats) -> Floats:
    """Compute the features in column order.

    Args:
        counts: (n, number) pixels of each level, n_i.
        sums: (n, number) sums of their differences, s_i.

    Returns:
        (5, n) coarseness, contrast, busyness, complexity and strength.
    """
    n, number = counts.shape
    features = np.zeros((5, n))
    # Sums over the levels that occur.
    for image in range(n):
        pixels = weighted = total = mean = 0.0
        occurring = 0
        for level in range(number):
            pixels += counts[image, level]
            weighted += counts[image, level] * sums[image, level]
            total += sums[image, level]
            mean += counts[image, level] * (level + 1)
            occurring += counts[image, level] > 0
        # Coarseness has an upper limit where nothing varies.
        features[0, image] = MAX_COARSENESS
        if pixels == 0:
            continue
        spread = 0.0  # Σ_ij p_i p_j (i − j)²
        for level in range(number):
            spread += 2 * counts[image, level] / pixels * (level + 1 - mean / pixels) ** 2
        # Contrast, busyness, complexity and strength, as far as they are defined.
        products, mixed, squares = level_pairs(counts[image], sums[image])
        features[0, image] = 1 / max(weighted / pixels, 1 / MAX_COARSENESS)
        if occurring > 1:
            features[1, image] = spread * total / pixels / (occurring * (occurring - 1))
        if products > 0:
            features[2, image] = weighted / products
        features[3, image] = mixed / pixels
        if total > 0:
            features[4, image] = squares / pixels / total
    return features


@dataclass(**STRICT)
class Ngtdm(TextureFamily):
    """Neighbourhood grey tone difference matrix, at Chebyshev distance 1 (IBSI IPET).

    Attributes:
        isolated: Whether a voxel without a neighbour in the region counts, with a difference of 0,
            as in PyRadiomics; the IBSI leaves it out.
    """

    isolated: bool = False

    prefix: ClassVar[str] = "ngtdm"

    def describe(self, grey: GreyLevels) -> Floats:
        counts, sums = tone_differences(self.parts(grey).levels, grey.number, self.isolated)
        return relate(add_parts(counts, grey), add_parts(sums, grey)).T
