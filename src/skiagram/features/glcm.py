"""Feature family `glcm`: which grey levels stand next to which (IBSI manual, section 3.6, LFYI).

Haralick et al., IEEE Trans. SMC 3(6), 1973. Only what the features need leaves the loops: the sums
and the differences of the two levels carry most of a matrix (Unser, IEEE Trans. PAMI 8(1), 1986),
so a batch takes little memory.
"""

from enum import IntEnum
from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass

from skiagram.arrays import Flags, Floats, Whole
from skiagram.compiled.loops import compiled
from skiagram.features.batch import FeatureBatch
from skiagram.features.discretisation import GreyLevels, row_span
from skiagram.features.family import Distinct, TextureFamily
from skiagram.features.feature import Definition, read_definitions
from skiagram.features.neighbours import PLANE_WAYS, Levels, copy, steps
from skiagram.strict import STRICT

Aggregation = Literal["averaged", "merged"]


def average(features: Floats, counted: Flags) -> Floats:
    """Average each image's features over its matrices (IBSI BTW3, in volumes ITBB).

    Args:
        features: (n · k, n_features), the k matrices of an image one after the other.
        counted: (n, k), false for a matrix without entries, which is left out; an image without any
            has the features of its first matrix.

    Returns:
        (n, n_features).
    """
    image_features = features.reshape(*counted.shape, -1)
    counted = counted | (~counted.any(axis=1, keepdims=True) & (np.arange(counted.shape[1]) == 0))
    return np.sum(image_features * counted[..., None], axis=1) / counted.sum(axis=1)[:, None]


Tables = NDArray[np.uint32]


# Where the sums of a matrix have each feature; from the second on as in `definitions.toml`.
Feature = IntEnum(
    "Feature",
    "PAIRS JOINT_MAXIMUM JOINT_AVERAGE JOINT_VARIANCE JOINT_ENTROPY DIFFERENCE_AVERAGE "
    "DIFFERENCE_VARIANCE DIFFERENCE_ENTROPY SUM_AVERAGE SUM_VARIANCE SUM_ENTROPY "
    "ANGULAR_SECOND_MOMENT CONTRAST DISSIMILARITY INVERSE_DIFFERENCE "
    "NORMALISED_INVERSE_DIFFERENCE INVERSE_DIFFERENCE_MOMENT "
    "NORMALISED_INVERSE_DIFFERENCE_MOMENT INVERSE_VARIANCE CORRELATION AUTOCORRELATION "
    "CLUSTER_TENDENCY CLUSTER_SHADE CLUSTER_PROMINENCE INFORMATION_CORRELATION_1 "
    "INFORMATION_CORRELATION_2",
    start=0,
)
_FEATURES = len(Feature)


@compiled
def cooccurrences(
    levels: Levels, number: int, highest: Whole, distance: int, ways: int, merged: bool
) -> Floats:
    """Count the pairs of levels in several directions and add up each matrix.

    An image without any pair in its region looks constant: each pixel is paired with itself in the
    first matrix.

    Args:
        highest: (n,) highest level of each image, N_g.
        ways: k, how many of the `DIRECTIONS`: 4 or 13.
        merged: Whether the k matrices of an image are added up into one.

    Returns:
        (m, 26) the features of the matrices of each image one after the other: m is n if merged,
        else n · k; the first is how many pairs of pixels were counted.
    """
    # A matrix for each direction, or one for all.
    n = len(levels)
    matrices = 1 if merged else ways
    sums = np.zeros((n * matrices, _FEATURES))
    side = number + 1
    tables = np.zeros((4 if merged else ways, side * side), dtype=np.uint32)
    counts = np.zeros((side, side), dtype=np.int64)
    shares = np.zeros((3, 2 * side - 1))
    # Pairs of each image: counted, then added up.
    for image in range(n):
        _tabulate(levels[image], distance, ways, side, tables)
        occupied, any_pair = min(highest[image], number) + 1, False
        for matrix in range(matrices):
            matrix_tables = tables if merged else tables[matrix : matrix + 1]
            _gather(matrix_tables, occupied, counts)
            row = sums[image * matrices + matrix]
            any_pair |= _reduce(counts, occupied, highest[image], shares, row)
        # An image without any pair has each pixel paired with itself.
        if not any_pair:
            _pair_with_itself(levels[image].reshape(-1), counts)
            _reduce(counts, occupied, highest[image], shares, sums[image * matrices])
            sums[image * matrices, Feature.PAIRS] = 0
    return sums


@compiled
def _tabulate(levels: Levels, distance: int, ways: int, side: int, tables: Tables) -> None:
    """Set the tables to the counts of all pairs of one image.

    Args:
        levels: (depth, height, width).
        distance: Chebyshev distance of the pairs.
        ways: Directions.
        side: Levels and one more, for what lies outside the region.
        tables: (directions, side²) or (4, side²), where directions by fours or threes share them.
    """
    depth, height, width = levels.shape
    # Zeros around the image, so that neighbours lie a fixed number of cells away.
    tall, wide = height + 2 * distance, width + distance
    deep = depth + distance if ways > PLANE_WAYS else depth
    framed = np.zeros(deep * tall * wide, dtype=np.uint16)
    apart = steps((deep, tall, wide))
    for z in range(depth):
        for y in range(height):
            begin = (z * tall + y + distance) * wide
            copy(levels[z, y], framed[begin : begin + width])
    # The tables are used again for each image.
    for table in range(len(tables)):
        tables[table, :] = 0
    # Rows with a pixel of the region, from its first to its last.
    for z in range(depth):
        for y in range(height):
            first, last = row_span(levels[z, y])
            if first < last:
                begin = (z * tall + y + distance) * wide + first
                _count(framed, begin, last - first, apart, distance, ways, side, tables)


@compiled
def count_pairs(levels: Levels, number: int, distance: int, ways: int) -> Tables:
    """Count the pairs of levels of one image in each direction; each pair of voxels counts once.

    Args:
        levels: (depth, height, width), 0 outside the region.

    Returns:
        (ways, number, number).
    """
    side = number + 1
    tables = np.zeros((ways, side * side), dtype=np.uint32)
    _tabulate(levels, distance, ways, side, tables)
    return tables.reshape(ways, side, side)[:, 1:, 1:]


def maximal_correlation(pairs: Tables, present: Flags) -> float:
    """Compute PyRadiomics' MCC of an image, the mean over its directions that have a pair.

    With p the symmetric matrix of a direction and p_x its sums by row,

        Q(i, j) = Σ_k p(i, k) p(j, k) / (p_x(i) p_x(k)),   MCC = √(second largest eigenvalue of Q).

    Q is similar to the square of B(i, j) = p(i, j) / √(p_x(i) p_x(j)), so that MCC is the second
    largest of B's eigenvalues without their sign. Of a region of one level, or without a pair, it
    is 1.

    Args:
        pairs: As of `count_pairs`.
        present: (number,) whether a level is in the region.
    """
    # Only levels that occur, in both orders; directions without a pair do not count.
    both = pairs[:, present][:, :, present].astype(np.float64)
    both += both.transpose(0, 2, 1)
    both = both[both.any(axis=(1, 2))]
    if len(both) == 0 or both.shape[1] < 2:
        return 1.0
    # The second largest eigenvalue of the normalised matrix (PyRadiomics' MCC).
    sums = np.sqrt(both.sum(axis=2))
    sums[sums == 0] = 1  # a level without a neighbour in this direction has no pair either
    eigenvalues = np.linalg.eigvalsh(both / (sums[:, :, None] * sums[:, None, :]))
    return float(np.sort(np.abs(eigenvalues), axis=1)[:, -2].mean())


@compiled
def _pair_with_itself(levels: Levels, counts: Whole) -> None:
    """Set the counts to a pair of each pixel of the region with itself."""
    for level in range(len(counts)):
        counts[level, :] = 0
    for level in levels:
        counts[level, level] += 1


@compiled
def _count(
    framed: Levels,
    begin: int,
    length: int,
    apart: Whole,
    distance: int,
    ways: int,
    side: int,
    tables: Tables,
) -> None:
    """Count each pair of a row once; those with a pixel outside the region have row or column 0.

    Several directions are counted side by side, each in a table of its own, so that no addition
    waits for the last: first the four of a plane, then those to another slice by threes.
    """
    # The four directions of a plane in one pass.
    pixels = framed[begin : begin + length]
    first, second = framed[begin + distance * apart[0] :], framed[begin + distance * apart[1] :]
    third, fourth = framed[begin + distance * apart[2] :], framed[begin + distance * apart[3] :]
    _count_four(pixels, first, second, third, fourth, side, tables)
    # Directions into the next slice, three in one pass.
    for way in range(PLANE_WAYS, ways, 3):
        first = framed[begin + distance * apart[way] :]
        second = framed[begin + distance * apart[way + 1] :]
        third = framed[begin + distance * apart[way + 2] :]
        _count_three(pixels, first, second, third, side, tables[0 if len(tables) < ways else way :])


@compiled
def _count_four(
    pixels: Levels,
    first: Levels,
    second: Levels,
    third: Levels,
    fourth: Levels,
    side: int,
    tables: Tables,
) -> None:
    # One row of the table for the level of the pixel, in each direction.
    first_table, second_table = tables[0], tables[1]
    third_table, fourth_table = tables[2], tables[3]
    for x in range(len(pixels)):
        row = np.int64(pixels[x]) * side
        # unsigned, so that no index is tested for being negative
        first_table[np.uintp(row + first[x])] += np.uint32(1)
        second_table[np.uintp(row + second[x])] += np.uint32(1)
        third_table[np.uintp(row + third[x])] += np.uint32(1)
        fourth_table[np.uintp(row + fourth[x])] += np.uint32(1)


@compiled
def _count_three(
    pixels: Levels, first: Levels, second: Levels, third: Levels, side: int, tables: Tables
) -> None:
    """Add the pairs of a row in three directions to the next slice to three tables."""
    first_table, second_table, third_table = tables[0], tables[1], tables[2]
    for x in range(len(pixels)):
        row = np.int64(pixels[x]) * side
        first_table[np.uintp(row + first[x])] += np.uint32(1)
        second_table[np.uintp(row + second[x])] += np.uint32(1)
        third_table[np.uintp(row + third[x])] += np.uint32(1)


@compiled
def _gather(tables: Tables, occupied: int, counts: Whole) -> None:
    """Set the counts of the levels to the sums of some tables."""
    for i in range(1, occupied):
        first = i * counts.shape[1]
        for j in range(1, occupied):
            counts[i, j] = 0
        for table in range(len(tables)):
            row = tables[table, first : first + occupied]
            for j in range(1, occupied):
                counts[i, j] += np.int64(row[j])


@compiled
def _reduce(counts: Whole, occupied: int, highest: int, shares: Floats, sums: Floats) -> bool:
    """Add up a matrix; return whether it holds a pair.

    Args:
        counts: (side, side) of levels from 1.
        occupied: Highest level that occurs, and one more.
        highest: N_g of the image.
        shares: (3, 2 side − 1) of differences, of sums and of levels; 0 before and after.
        sums: (26,) the features, is set.
    """
    # Pairs with a pixel outside the region do not count.
    pairs = np.int64(0)
    for i in range(1, occupied):
        for j in range(1, occupied):
            pairs += counts[i, j]
    # Sums over pairs, differences and sums of levels.
    if pairs > 0:
        sums[:] = 0
        _add_pairs(counts, pairs, occupied, shares, sums)
        _add_differences(shares[0], occupied, highest, sums)
        _add_sums(shares[1], 2 * occupied - 1, sums)
        _relate(_entropy(shares[2]), sums)
        shares[:] = 0
    sums[Feature.PAIRS] = pairs
    return bool(pairs > 0)


@compiled
def _add_pairs(counts: Whole, pairs: np.int64, occupied: int, shares: Floats, sums: Floats) -> None:
    """Add up the pairs of levels; move their shares to those of differences, sums and levels."""
    # Each pair of levels once, in both orders.
    for i in range(1, occupied):
        for j in range(1, i + 1):
            both = counts[i, j] if i == j else counts[i, j] + counts[j, i]
            if both == 0:
                continue
            # A pair of unlike levels stands twice in the symmetric matrix.
            times = 1 if i == j else 2
            share = both / (times * pairs)
            shares[0, i - j] += times * share
            shares[1, i + j] += times * share
            shares[2, i] += share
            shares[2, j] += share * (times - 1)
            sums[Feature.JOINT_MAXIMUM] = max(sums[Feature.JOINT_MAXIMUM], share)
            sums[Feature.JOINT_ENTROPY] -= times * share * np.log2(share)
            sums[Feature.ANGULAR_SECOND_MOMENT] += times * share * share


@compiled
def _add_differences(shares: Floats, number: int, highest: int, sums: Floats) -> None:
    """Add up the differences of two levels, from 0."""
    # Averages and weighted differences first, then the variance about the average.
    for d in range(number):
        sums[Feature.DIFFERENCE_AVERAGE] += d * shares[d]
        sums[Feature.CONTRAST] += d * d * shares[d]
        sums[Feature.INVERSE_DIFFERENCE] += shares[d] / (1 + d)
        sums[Feature.NORMALISED_INVERSE_DIFFERENCE] += shares[d] / (1 + d / highest)
        sums[Feature.INVERSE_DIFFERENCE_MOMENT] += shares[d] / (1 + d * d)
        sums[Feature.NORMALISED_INVERSE_DIFFERENCE_MOMENT] += shares[d] / (1 + (d / highest) ** 2)
        if d > 0:
            sums[Feature.INVERSE_VARIANCE] += shares[d] / (d * d)
    for d in range(number):
        sums[Feature.DIFFERENCE_VARIANCE] += (d - sums[Feature.DIFFERENCE_AVERAGE]) ** 2 * shares[d]
    sums[Feature.DIFFERENCE_ENTROPY] = _entropy(shares)
    sums[Feature.DISSIMILARITY] = sums[Feature.DIFFERENCE_AVERAGE]


@compiled
def _add_sums(shares: Floats, number: int, sums: Floats) -> None:
    """Add up the sums of two levels, from 2."""
    # The average first, then moments about it.
    for s in range(2, number):
        sums[Feature.SUM_AVERAGE] += s * shares[s]
        sums[Feature.AUTOCORRELATION] += s * s * shares[s]
    for s in range(2, number):
        deviation = s - sums[Feature.SUM_AVERAGE]
        square = deviation * deviation
        sums[Feature.SUM_VARIANCE] += square * shares[s]
        sums[Feature.CLUSTER_SHADE] += square * deviation * shares[s]
        sums[Feature.CLUSTER_PROMINENCE] += square * square * shares[s]
    sums[Feature.SUM_ENTROPY] = _entropy(shares)
    sums[Feature.CLUSTER_TENDENCY] = sums[Feature.SUM_VARIANCE]


@compiled
def _relate(level_entropy: float, sums: Floats) -> None:
    """Complete the features that follow from others: averages and correlations."""
    contrast, tendency = sums[Feature.CONTRAST], sums[Feature.CLUSTER_TENDENCY]
    both = tendency + contrast
    sums[Feature.JOINT_AVERAGE] = sums[Feature.SUM_AVERAGE] / 2
    sums[Feature.JOINT_VARIANCE] = both / 4
    sums[Feature.CORRELATION] = (tendency - contrast) / both if both > 0 else 1.0
    sums[Feature.AUTOCORRELATION] = (sums[Feature.AUTOCORRELATION] - contrast) / 4
    # HXY₁ − HXY, which equals HXY₂ − HXY: of symmetric matrices both are twice HX.
    shared = max(2 * level_entropy - sums[Feature.JOINT_ENTROPY], 0.0)
    sums[Feature.INFORMATION_CORRELATION_1] = -shared / level_entropy if level_entropy > 0 else 0.0
    sums[Feature.INFORMATION_CORRELATION_2] = np.sqrt(-np.expm1(-2 * shared))


@compiled
def _entropy(shares: Floats) -> float:
    """Compute Shannon's entropy in bits of shares, of which 0 adds nothing."""
    total = 0.0
    for number in range(len(shares)):
        if shares[number] > 0:
            total += shares[number] * np.log2(shares[number])
    return abs(total)


Pixels = Annotated[int, Field(ge=1, le=64)]
Several = Annotated[tuple[Pixels, ...], Field(min_length=1), Distinct]


@dataclass(**STRICT)
class Glcm(TextureFamily):
    """Grey level co-occurrence matrices (IBSI LFYI).

    Attributes:
        distances: Chebyshev distances of the pairs, in pixels; each gives its own features.
        aggregation: `averaged` computes features of each direction and takes their mean (IBSI
            BTW3), without the directions that have no pair; `merged` adds up the matrices of all
            directions first (IBSI SUJT).
    """

    distances: Several  # type: ignore[misc]  # by keyword only
    aggregation: Aggregation  # type: ignore[misc]

    prefix: ClassVar[str] = "glcm"
    # of the distributions of the levels, then of how near they are
    sections: ClassVar[tuple[str, ...]] = ("glcm", "glcm_relations")

    def names(self) -> tuple[str, ...]:
        if len(self.distances) == 1:
            return super().names()
        definitions = self.definitions()
        return tuple(
            definition.name.replace("<pixels>", str(pixels))
            for pixels in self.distances
            for definition in definitions
        )

    def definitions(self) -> tuple[Definition, ...]:
        several = len(self.distances) > 1
        return read_definitions(self.sections, "glcm_distance_<pixels>" if several else "glcm")

    def maximal_correlation(self, batch: FeatureBatch) -> Floats:
        """Compute PyRadiomics' MCC at distance 1, which the IBSI's manual lacks.

        Returns:
            (n,) in [0, 1].
        """
        grey = batch.levels(self.levels, self.region, self.prefix)
        found = []
        for levels in grey.levels:
            present = np.bincount(levels.ravel(), minlength=grey.number + 1)[1:] > 0
            pairs = count_pairs(levels, grey.number, 1, self.ways(grey))
            found.append(maximal_correlation(pairs, present))
        return np.array(found)

    def describe(self, grey: GreyLevels) -> Floats:
        ways, merged = self.ways(grey), self.aggregation == "merged"
        columns = []
        # A set of features for each distance.
        for distance in self.distances:
            sums = cooccurrences(grey.levels, grey.number, grey.top, distance, ways, merged)
            features = sums[:, 1:]  # all but the first stand in the order of the names
            if not merged:
                features = average(features, sums[:, Feature.PAIRS].reshape(-1, ways) > 0)
            columns.append(features)
        return np.hstack(columns)
