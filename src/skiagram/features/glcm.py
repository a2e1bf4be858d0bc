"""Feature family `glcm`: which grey levels stand next to which (IBSI manual, section 3.6, LFYI).

Haralick et al., IEEE Trans. SMC 3(6), 1973. Only what the features need leaves the loops: the sums
and the differences of the two levels carry most of a matrix (Unser, IEEE Trans. PAMI 8(1), 1986),
so a batch takes little memory.

The directions to neighbours are half of those at Chebyshev distance 1, since every pair is counted
in both orders and every run, of the family `glrlm`, has two ends.
"""

from dataclasses import dataclass as record
from typing import Annotated, ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass

from skiagram.compute.compiled import compiled
from skiagram.features.discretisation import GreyLevels, entropy, row_spans
from skiagram.features.family import Dimension, Distinct, TextureFamily
from skiagram.features.feature import Column, Definition, Feature, Features, Quantity, ratio
from skiagram.options import STRICT

Aggregation = Literal["averaged", "merged"]

_PLANE = [(0, 0, 1), (0, 1, -1), (0, 1, 0), (0, 1, 1)]
_VOLUME = _PLANE + [(1, row, column) for row in (-1, 0, 1) for column in (-1, 0, 1)]


def directions(depth: int) -> NDArray[np.int64]:
    """Return the directions (slices, rows, columns) to a neighbour.

    Args:
        depth: Slices of the images; 1 for plane images.

    Returns:
        (4, 3) within a plane, (13, 3) within a volume; the first component is never negative.
    """
    return np.array(_PLANE if depth == 1 else _VOLUME, dtype=np.int64)


def average(features: NDArray[np.float64], counted: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return each image's features averaged over its matrices (IBSI BTW3, in volumes ITBB).

    Args:
        features: (n · k, n_features), the k matrices of an image one after the other.
        counted: (n, k), false for a matrix without entries, which is left out; an image without
            any has the features of its first matrix.

    Returns:
        (n, n_features).
    """
    of_image = features.reshape(*counted.shape, -1)
    counted = counted | (~counted.any(axis=1, keepdims=True) & (np.arange(counted.shape[1]) == 0))
    return np.sum(of_image * counted[..., None], axis=1) / counted.sum(axis=1)[:, None]


Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


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

    sums: Floats
    differences: Floats
    levels: Floats
    largest: Floats
    squares: Floats
    entropy: Floats
    highest: Integers
    pairs: Integers


@compiled
def cooccurrences(
    levels: NDArray[np.uint16], number: int, offsets: Integers, merged: bool
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
    matrices = _nothing(n * ways, number)
    itself = np.zeros(3, dtype=np.int64)
    for image in range(n):
        any_pair = False
        highest = int(levels[image].max())
        counts = np.zeros((highest + 1, highest + 1), dtype=np.int64)
        spans = row_spans(levels[image])
        matrices.highest[image * ways : (image + 1) * ways] = highest
        for way in range(len(offsets)):
            _count(levels[image], spans, offsets[way], counts)
            if not merged or way == len(offsets) - 1:
                any_pair |= _reduce(counts, image * ways + way % ways, matrices)
        if not any_pair:
            _count(levels[image], spans, itself, counts)
            _reduce(counts, image * ways, matrices)
            matrices.pairs[image * ways] = 0
    return matrices


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
def _count(levels: NDArray[np.uint16], spans: Integers, offset: Integers, counts: Integers) -> None:
    """Count each pair once; pairs with a pixel outside the region end in row or column 0."""
    depth, height, width = levels.shape
    far, down, right = offset
    left = max(0, -right)  # first column with a neighbour
    for z in range(depth - far):
        for y in range(max(0, -down), height - max(0, down)):
            first = levels[z, y, left:]
            second = levels[z + far, y + down, left + right :]
            begin, end = max(0, spans[z, y, 0] - left), spans[z, y, 1] - left
            for x in range(begin, min(end, width - abs(right))):
                counts[first[x], second[x]] += 1


@compiled
def _reduce(counts: Integers, row: int, matrices: Cooccurrences) -> bool:
    """Move what the features need of a matrix to its row, empty it, return if it held a pair."""
    pairs = counts[1:, 1:].sum()
    matrices.pairs[row] = pairs
    if pairs > 0:
        for i in range(1, len(counts)):
            matrices.sums[row, 2 * i - 2] += counts[i, i] / pairs
            matrices.differences[row, 0] += counts[i, i] / pairs
            matrices.levels[row, i - 1] += counts[i, i] / pairs
            _entry(counts[i, i] / pairs, 1, row, matrices)
            for j in range(1, i):
                both = counts[i, j] + counts[j, i]
                if both > 0:
                    share = both / (2 * pairs)
                    matrices.sums[row, i + j - 2] += 2 * share
                    matrices.differences[row, i - j] += 2 * share
                    matrices.levels[row, i - 1] += share
                    matrices.levels[row, j - 1] += share
                    _entry(share, 2, row, matrices)
    counts[:] = 0
    return pairs > 0


@compiled
def _entry(share: float, times: int, row: int, matrices: Cooccurrences) -> None:
    if share > 0:
        matrices.largest[row] = max(matrices.largest[row], share)
        matrices.squares[row] += times * share * share
        matrices.entropy[row] -= times * share * np.log2(share)


@record(frozen=True)
class GlcmDistributions(Features):
    """The pairs of levels, their sums and their differences, of m symmetric matrices.

    IBSI reference manual, section 3.6 (LFYI); Haralick et al., IEEE Trans. SMC 3(6), 1973. In the
    formulas p_ij is the share of pairs of levels i and j, d = |i − j|, s = i + j, μ the mean level
    and N_g the highest level of the image.

    Attributes:
        matrix: What is kept of the matrices.
    """

    matrix: Cooccurrences

    @Quantity
    def sum(self) -> Integers:
        """Sums of two levels, (2N − 1,)."""
        return np.arange(2, self.matrix.sums.shape[1] + 2)

    @Quantity
    def difference(self) -> Integers:
        """Absolute differences of two levels, (N,)."""
        return np.arange(self.matrix.differences.shape[1])

    @Quantity
    def squared_difference(self) -> Column:
        """Mean squared difference of the levels."""
        return self.matrix.differences @ self.difference**2

    def sum_moment(self, power: int) -> Column:
        """Return a central moment of the sum of the levels, by its power from 1."""
        deviation = self.sum - self.sum_average[:, None]
        moment = self.matrix.sums * deviation
        for _ in range(power - 1):  # many times faster than ** with an exponent above 2
            moment = moment * deviation
        return moment.sum(axis=1)

    @Feature
    def joint_maximum(self) -> Column:
        """Largest share of a pair of levels (GYBY).

        Formula: max p_ij
        Unit: 1
        Range: (0, 1]
        """
        return self.matrix.largest

    @Feature
    def joint_average(self) -> Column:
        """Mean level (60VM).

        Formula: Σ i p_ij
        Unit: 1
        Range: [1, N_g]
        """
        return self.sum_average / 2

    @Feature
    def joint_variance(self) -> Column:
        """Variance of the level (UR99).

        Formula: Σ (i − μ)² p_ij
        Unit: 1
        Range: [0, (N_g − 1)² / 4]
        """
        return (self.sum_variance + self.squared_difference) / 4

    @Feature
    def joint_entropy(self) -> Column:
        """Entropy of the pairs of levels (TU9B).

        Formula: −Σ p_ij log₂ p_ij
        Unit: bit
        Range: [0, 2 log₂ N_g]
        """
        return self.matrix.entropy

    @Feature
    def difference_average(self) -> Column:
        """Mean difference of the levels, the same as dissimilarity (TF7R).

        Formula: Σ d p_ij
        Unit: 1
        Range: [0, N_g − 1]
        """
        return self.matrix.differences @ self.difference

    @Feature
    def difference_variance(self) -> Column:
        """Variance of the difference of the levels (D3YU).

        Formula: Σ (d − Σ d p_ij)² p_ij
        Unit: 1
        Range: [0, (N_g − 1)² / 4]
        """
        deviation = self.difference - self.difference_average[:, None]
        return np.sum(self.matrix.differences * deviation**2, axis=1)

    @Feature
    def difference_entropy(self) -> Column:
        """Entropy of the difference of the levels (NTRS).

        Formula: −Σ_k P(d = k) log₂ P(d = k)
        Unit: bit
        Range: [0, log₂ N_g]
        """
        return entropy(self.matrix.differences)

    @Feature
    def sum_average(self) -> Column:
        """Mean sum of the levels (ZGXS).

        Formula: Σ s p_ij
        Unit: 1
        Range: [2, 2 N_g]
        """
        return self.matrix.sums @ self.sum

    @Feature
    def sum_variance(self) -> Column:
        """Variance of the sum of the levels, the same as cluster tendency (OEEB).

        Formula: Σ (s − Σ s p_ij)² p_ij
        Unit: 1
        Range: [0, (N_g − 1)²]
        """
        return self.sum_moment(2)

    @Feature
    def sum_entropy(self) -> Column:
        """Entropy of the sum of the levels (P6QZ).

        Formula: −Σ_k P(s = k) log₂ P(s = k)
        Unit: bit
        Range: [0, log₂(2 N_g − 1)]
        """
        return entropy(self.matrix.sums)

    @Feature
    def angular_second_moment(self) -> Column:
        """Sum of the squared shares, also called energy (8ZQL).

        Formula: Σ p_ij²
        Unit: 1
        Range: (0, 1]
        """
        return self.matrix.squares


@record(frozen=True)
class GlcmRelations(Features):
    """How close, how correlated and how clustered the levels of a pair are.

    IBSI reference manual, section 3.6 (LFYI); Haralick et al., IEEE Trans. SMC 3(6), 1973;
    clusters: Unser, IEEE Trans. PAMI 8(1), 1986. In the formulas p_ij is the share of pairs of
    levels i and j, p_i the share of level i, d = |i − j|, s = i + j, μ the mean level and N_g the
    highest level.

    Attributes:
        pairs: The distributions of n matrices.
    """

    pairs: GlcmDistributions

    @Quantity
    def _normalised_difference(self) -> Floats:
        return self.pairs.difference / self.pairs.matrix.highest[:, None]

    @Quantity
    def _entropy_of_level(self) -> Column:
        return entropy(self.pairs.matrix.levels)

    @Quantity
    def _shared_information(self) -> Column:
        """HXY₁ − HXY, which equals HXY₂ − HXY: of symmetric matrices both are twice HX."""
        return np.maximum(2 * self._entropy_of_level - self.pairs.joint_entropy, 0)

    @Feature
    def contrast(self) -> Column:
        """Mean squared difference of the levels (ACUI).

        Formula: Σ d² p_ij
        Unit: 1
        Range: [0, (N_g − 1)²]
        """
        return self.pairs.squared_difference

    @Feature
    def dissimilarity(self) -> Column:
        """Mean difference of the levels (8S9J).

        Formula: Σ d p_ij
        Unit: 1
        Range: [0, N_g − 1]
        """
        return self.pairs.difference_average

    @Feature
    def inverse_difference(self) -> Column:
        """Closeness of the levels (IB1Z).

        Formula: Σ p_ij / (1 + d)
        Unit: 1
        Range: [1 / N_g, 1]
        """
        return self.pairs.matrix.differences @ (1 / (1 + self.pairs.difference))

    @Feature
    def normalised_inverse_difference(self) -> Column:
        """Closeness of the levels relative to their number (NDRX).

        Formula: Σ p_ij / (1 + d / N_g)
        Unit: 1
        Range: (1/2, 1]
        """
        return np.sum(self.pairs.matrix.differences / (1 + self._normalised_difference), axis=1)

    @Feature
    def inverse_difference_moment(self) -> Column:
        """Closeness of the levels, also called homogeneity (WF0Z).

        Formula: Σ p_ij / (1 + d²)
        Unit: 1
        Range: (0, 1]
        """
        return self.pairs.matrix.differences @ (1 / (1 + self.pairs.difference**2))

    @Feature
    def normalised_inverse_difference_moment(self) -> Column:
        """Homogeneity relative to the number of levels (1QCO).

        Formula: Σ p_ij / (1 + d² / N_g²)
        Unit: 1
        Range: (1/2, 1]
        """
        return np.sum(self.pairs.matrix.differences / (1 + self._normalised_difference**2), axis=1)

    @Feature
    def inverse_variance(self) -> Column:
        """Closeness of unequal levels; 0 where all pairs are equal (E8JP).

        Formula: Σ_{d > 0} p_ij / d²
        Unit: 1
        Range: [0, 1]
        """
        return self.pairs.matrix.differences[:, 1:] @ (1 / self.pairs.difference[1:] ** 2)

    @Feature
    def correlation(self) -> Column:
        """Correlation of the two levels; 1 where there is but one level (NI2N).

        Formula: Σ (i − μ)(j − μ) p_ij / Σ (i − μ)² p_ij
        Unit: 1
        Range: [−1, 1]
        """
        both = self.cluster_tendency + self.contrast
        apart = self.cluster_tendency - self.contrast
        return np.divide(apart, both, out=np.ones_like(both), where=both > 0)

    @Feature
    def autocorrelation(self) -> Column:
        """Mean product of the two levels (QWB0).

        Formula: Σ i j p_ij
        Unit: 1
        Range: [1, N_g²]
        """
        return (self.pairs.matrix.sums @ self.pairs.sum**2 - self.contrast) / 4

    @Feature
    def cluster_tendency(self) -> Column:
        """Variance of the sum of the levels (DG8W).

        Formula: Σ (s − 2μ)² p_ij
        Unit: 1
        Range: [0, (N_g − 1)²]
        """
        return self.pairs.sum_variance

    @Feature
    def cluster_shade(self) -> Column:
        """Third central moment of the sum of the levels (7NFM).

        Formula: Σ (s − 2μ)³ p_ij
        Unit: 1
        Range: (−(2 N_g − 2)³, (2 N_g − 2)³)
        """
        return self.pairs.sum_moment(3)

    @Feature
    def cluster_prominence(self) -> Column:
        """Fourth central moment of the sum of the levels (AE86).

        Formula: Σ (s − 2μ)⁴ p_ij
        Unit: 1
        Range: [0, (2 N_g − 2)⁴)
        """
        return self.pairs.sum_moment(4)

    @Feature
    def information_correlation_1(self) -> Column:
        """Information that the levels share, negative; 0 where there is but one level (R8DG).

        Formula: (Σ p_ij log₂(p_i p_j) − Σ p_ij log₂ p_ij) / (−Σ p_i log₂ p_i)
        Unit: 1
        Range: [−1, 0]
        """
        return -ratio(self._shared_information, self._entropy_of_level)

    @Feature
    def information_correlation_2(self) -> Column:
        """Information that the levels share, as a correlation (JN9H).

        Formula: √(1 − exp(−2 (−Σ p_i p_j log₂(p_i p_j) + Σ p_ij log₂ p_ij)))
        Unit: 1
        Range: [0, 1)
        """
        return np.sqrt(-np.expm1(-2 * self._shared_information))


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
    groups: ClassVar[tuple[type[Features], ...]] = (GlcmDistributions, GlcmRelations)

    def names(self) -> tuple[str, ...]:
        """Return the feature names in column order."""
        if len(self.distances) == 1:
            return super().names()
        return tuple(
            name
            for pixels in self.distances
            for group in self.groups
            for name in group.names(f"glcm_distance_{pixels}")
        )

    def definitions(self) -> tuple[Definition, ...]:
        """Return what the features mean, in column order."""
        if len(self.distances) == 1:
            return super().definitions()
        return tuple(
            definition
            for group in self.groups
            for definition in group.definitions("glcm_distance_<pixels>")
        )

    def describe(self, grey: GreyLevels) -> Floats:
        """Compute the features of n images from their grey levels, (n, n_features)."""
        return np.hstack(
            [glcm(grey, pixels, self.aggregation, self.dimension) for pixels in self.distances]
        )


def glcm(
    levels: GreyLevels, distance: int, aggregation: Aggregation, dimension: Dimension = "3D"
) -> Floats:
    """Compute the features at one distance: in a plane 4 directions, in a volume 13.

    Args:
        levels: Of n images.
        distance: Chebyshev distance of the pairs, in pixels.
        aggregation: Of the directions, as in `Glcm`.
        dimension: Of a volume, whose directions are those of a plane if not `3D`.

    Returns:
        (n, n_features).
    """
    offsets = distance * directions(levels.depth if dimension == "3D" else 1)
    matrices = cooccurrences(levels.levels, levels.number, offsets, aggregation == "merged")
    if levels.highest is not None:
        ways = len(matrices.highest) // len(levels.highest)
        matrices = matrices._replace(highest=np.repeat(levels.highest, ways))
    pairs = matrices.pairs.reshape(len(levels.levels), -1)
    distributions = GlcmDistributions(matrices)
    relations = GlcmRelations(distributions)
    return average(np.hstack([distributions.columns(), relations.columns()]), pairs > 0)
