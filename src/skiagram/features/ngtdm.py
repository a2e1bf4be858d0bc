"""Feature family `ngtdm`: grey levels against the mean of their neighbours (IBSI 3.10, IPET)."""

from dataclasses import dataclass as record
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from skiagram.compute.compiled import compiled
from skiagram.features.discretisation import GreyLevels
from skiagram.features.family import TextureFamily
from skiagram.features.feature import Column, Feature, Features, Quantity, ratio
from skiagram.options import STRICT

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@compiled
def tone_differences(levels: NDArray[np.uint16], number: int) -> tuple[Integers, Floats]:
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
        pixels = np.zeros((number + 1, around), dtype=np.int64)
        apart = np.zeros((number + 1, around), dtype=np.int64)
        for z in range(depth):
            for y in range(height):
                _sum_columns(levels[image], z, y, total, valid)
                _compare(levels[image, z, y], total, valid, pixels, apart)
        for level in range(1, number + 1):
            for neighbours in range(1, around):
                counts[image, level - 1] += pixels[level, neighbours]
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
    pixels: Integers,
    apart: Integers,
) -> None:
    """Add a row's pixels by level and number of neighbours, and differences times that number."""
    for x in range(len(row)):
        level = np.int32(row[x])
        if level > 0:
            neighbours = valid[x] + valid[x + 1] + valid[x + 2] - 1
            sum_ = total[x] + total[x + 1] + total[x + 2] - level
            pixels[level, neighbours] += 1
            apart[level, neighbours] += abs(level * neighbours - sum_)


@compiled
def level_pairs(counts: Integers, sums: Floats) -> tuple[Floats, Floats, Floats]:
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


MOST_COARSENESS = 1e6


@record(frozen=True)
class NgtdmFeatures(Features):
    """Features of n neighbourhood grey tone difference matrices (IBSI manual, section 3.10).

    Amadasun and King, IEEE Trans. SMC 19(5), 1989. Of N pixels that have a neighbour in the region,
    n_i = N p_i have level i, and their differences from the mean of their neighbours sum to s_i.
    N_p of the N_g levels occur; sums over levels are over those. With no difference anywhere, as
    in a constant image or a region of one pixel, coarseness is 10⁶ and all else is 0.

    Attributes:
        counts: (n, N_g) int64, n_i.
        sums: (n, N_g) float64, s_i.
    """

    counts: Integers
    sums: Floats

    @Quantity
    def _pixels(self) -> Column:
        return self.counts.sum(axis=1).astype(np.float64)

    @Quantity
    def _weighted_sum(self) -> Column:
        return ratio(np.sum(self.counts * self.sums, axis=1), self._pixels)

    @Quantity
    def _pairs(self) -> tuple[Column, Column, Column]:
        return level_pairs(self.counts, self.sums)

    @Feature
    def coarseness(self) -> Column:
        """How little the levels change from place to place, at most 10⁶ (QCDE).

        Formula: 1 / Σ p_i s_i
        Unit: 1
        Range: (0, 10⁶]
        """
        return 1 / np.maximum(self._weighted_sum, 1 / MOST_COARSENESS)

    @Feature
    def contrast(self) -> Column:
        """Spread of the levels, times their mean local difference; 0 for one level (65HE).

        Formula: Σ_ij p_i p_j (i − j)² / (N_p (N_p − 1)) · Σ s_i / N
        Unit: 1
        Range: [0, (N_g − 1)³ / 4]
        """
        level = np.arange(1, self.counts.shape[1] + 1)
        share = self.counts / np.maximum(self._pixels, 1)[:, None]
        mean = (share @ level)[:, None]
        spread = 2 * np.sum(share * (level - mean) ** 2, axis=1)  # Σ_ij p_i p_j (i − j)²
        occurring = np.count_nonzero(self.counts, axis=1)
        local = ratio(self.sums.sum(axis=1), self._pixels)
        return ratio(spread * local, occurring * (occurring - 1))

    @Feature
    def busyness(self) -> Column:
        """Local differences over differences of the levels; 0 where those are 0 (NQ30).

        Formula: Σ p_i s_i / Σ_ij |i p_i − j p_j|
        Unit: 1
        Range: [0, ∞)
        """
        return ratio(self._weighted_sum * self._pixels, self._pairs[0])

    @Feature
    def complexity(self) -> Column:
        """Differences between levels, weighted by their local differences (HDEZ).

        Formula: Σ_ij |i − j| (p_i s_i + p_j s_j) / (p_i + p_j) / N
        Unit: 1
        Range: [0, ∞)
        """
        return ratio(self._pairs[1], self._pixels)

    @Feature
    def strength(self) -> Column:
        """Differences between levels over local differences; 0 where those are 0 (1X9X).

        Formula: Σ_ij (p_i + p_j) (i − j)² / Σ s_i
        Unit: 1
        Range: [0, ∞)
        """
        return ratio(ratio(self._pairs[2], self._pixels), self.sums.sum(axis=1))


@dataclass(**STRICT)
class Ngtdm(TextureFamily):
    """Neighbourhood grey tone difference matrix, at Chebyshev distance 1 (IBSI IPET)."""

    prefix: ClassVar[str] = "ngtdm"
    groups: ClassVar[tuple[type[Features], ...]] = (NgtdmFeatures,)

    def describe(self, grey: GreyLevels) -> Floats:
        """Compute the features of n images from their grey levels, (n, 5)."""
        apart = grey.levels if self.dimension == "3D" else grey.planes().levels
        counts, sums = tone_differences(apart, grey.number)
        shape = (len(grey.levels), -1, grey.number)
        return NgtdmFeatures(
            counts.reshape(shape).sum(axis=1), sums.reshape(shape).sum(axis=1)
        ).columns()
