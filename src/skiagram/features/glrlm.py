"""Feature family `glrlm`: how far grey levels run without change (IBSI, section 3.7, TP0I)."""

from dataclasses import dataclass as record
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from skiagram.compute.compiled import compiled
from skiagram.features.discretisation import GreyLevels, row_spans
from skiagram.features.family import Dimension, TextureFamily
from skiagram.features.feature import Column, Feature, Features, Quantity
from skiagram.features.glcm import Aggregation, average, directions
from skiagram.options import STRICT

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Levels = NDArray[np.uint16]
Lengths = NDArray[np.int32]


class RunLengths(NamedTuple):
    """What is kept of m matrices r_ij, the number of runs of level i and length j.

    Attributes:
        levels: (m, N) runs of each level, Σ_j r_ij.
        lengths: (m, longest) runs of each length, Σ_i r_ij, from 1.
        short: (m, N) Σ_j r_ij / j².
        long: (m, N) Σ_j r_ij j².
        surprise: (m,) Σ r_ij log₂ r_ij.
    """

    levels: Floats
    lengths: Floats
    short: Floats
    long: Floats
    surprise: Floats


@compiled
def run_lengths(
    levels: NDArray[np.uint16], number: int, offsets: Integers, merged: bool
) -> RunLengths:
    """Count the runs in several directions and reduce each matrix.

    What it takes, and how many matrices it returns, is as of `glcm.cooccurrences`.
    """
    n, depth, height, width = levels.shape
    ways, longest = 1 if merged else len(offsets), max(depth, height, width)
    matrices = RunLengths(
        np.zeros((n * ways, number)),
        np.zeros((n * ways, longest)),
        np.zeros((n * ways, number)),
        np.zeros((n * ways, number)),
        np.zeros(n * ways),
    )
    reached = np.zeros((longest + 2, number + 1), dtype=np.int64)
    length = np.zeros((2, 1 if depth == 1 else height, width + 2), dtype=np.int32)
    for image in range(n):
        spans = row_spans(levels[image])
        for way in range(len(offsets)):
            _follow(levels[image], spans, offsets[way], length, reached)
            if not merged or way == len(offsets) - 1:
                _reduce(reached, image * ways + way % ways, matrices)
    return matrices


@compiled
def _follow(
    levels: NDArray[np.uint16],
    spans: Integers,
    offset: Integers,
    length: NDArray[np.int32],
    reached: Integers,
) -> None:
    """Count at each pixel the length that its run has reached there: no branch at a run's end.

    The pixel before in the same run lies in this slice or the last one, in this row or the last
    one, so that the lengths of two slices, or of two rows of a plane, are all that is remembered.
    """
    depth, height, width = levels.shape
    far, down, right = offset
    for z in range(depth):
        for y in range(height):
            begin, end = spans[z, y]
            row, here = levels[z, y], _remembered(length, z, y)
            first = last = end  # of the pixels with one before them
            if z >= far and 0 <= y - down < height:
                first, last = min(max(begin, right), end), min(end, width + right)
            for x in range(begin, first):
                here[x] = 1
                reached[1, row[x]] += 1
            if first < last:
                before = levels[z - far, y - down]
                there = _remembered(length, z - far, y - down)
                _extend(row, before, here, there, first, last, right, reached)
            for x in range(max(first, last), end):
                here[x] = 1
                reached[1, row[x]] += 1


@compiled
def _remembered(length: NDArray[np.int32], z: int, y: int) -> NDArray[np.int32]:
    """Return where the lengths of a row are kept."""
    return length[y & 1, 0] if length.shape[1] == 1 else length[z & 1, y]


@compiled
def _extend(
    row: Levels,
    before: Levels,
    here: Lengths,
    there: Lengths,
    first: int,
    last: int,
    right: int,
    reached: Integers,
) -> None:
    """Set the lengths of a row from those of the pixels before; 0 levels have none."""
    for x in range(first, last):
        level = row[x]
        same = (before[x - right] == level) & (level > 0)
        run = there[x - right] * same + 1
        here[x] = run
        reached[run, level] += 1


@compiled
def _reduce(reached: Integers, row: int, matrices: RunLengths) -> None:
    """Move what the features need of a matrix to its row and empty it."""
    length = 1
    while reached[length].any():
        for level in range(1, reached.shape[1]):
            runs = reached[length, level] - reached[length + 1, level]  # that end at this length
            if runs > 0:
                matrices.levels[row, level - 1] += runs
                matrices.lengths[row, length - 1] += runs
                matrices.short[row, level - 1] += runs / length**2
                matrices.long[row, level - 1] += runs * length**2
                matrices.surprise[row] += runs * np.log2(runs)
        length += 1
    reached[:length] = 0


_SUMS = {"level": "Σ_i (Σ_j r_ij)²", "length": "Σ_j (Σ_i r_ij)²"}
_MOST = {"level": "N_g", "length": "N_r"}
_INDEX = {"level": "i", "length": "j"}


def _low_emphasis(of: str, ibsi: str) -> Feature:
    return Feature.of(
        lambda runs: runs._mean_power(of, -2),
        f"Mean of 1 / {of}² ({ibsi}).", f"Σ r_ij / {_INDEX[of]}² / N_s", "1", "(0, 1]",
    )  # fmt: skip


def _high_emphasis(of: str, ibsi: str, unit: str) -> Feature:
    formula, limits = f"Σ r_ij {_INDEX[of]}² / N_s", f"[1, {_MOST[of]}²]"
    return Feature.of(
        lambda runs: runs._mean_power(of, 2), f"Mean squared {of} ({ibsi}).", formula, unit, limits
    )


def _non_uniformity(of: str, ibsi: str) -> Feature:
    return Feature.of(
        lambda runs: runs._unequal(of),
        f"How unequally runs are spread over the {of}s ({ibsi}).",
        f"{_SUMS[of]} / N_s",
        "1",
        f"[N_s / {_MOST[of]}, N_s]",
    )


def _normalised_non_uniformity(of: str, ibsi: str) -> Feature:
    meaning = f"Chance that two runs have the same {of} ({ibsi})."
    limits = f"[1 / {_MOST[of]}, 1]"
    return Feature.of(
        lambda runs: runs._unequal(of) / runs._runs, meaning, f"{_SUMS[of]} / N_s²", "1", limits
    )


@record(frozen=True)
class GlrlmFeatures(Features):
    """Features of m run length matrices, each with at least one run.

    Galloway, Computer Graphics and Image Processing 4(2), 1975; Chu et al., Pattern Recognition
    Letters 11(6), 1990; Dasarathy and Holder, Pattern Recognition Letters 12(8), 1991. In the
    formulas r_ij is the number of runs of level i and length j, N_s that of all runs, N_v that of
    the pixels in the region (times the directions where these are merged), N_g the highest level,
    N_r the longest run.

    Attributes:
        matrix: What is kept of the matrices.
    """

    matrix: RunLengths

    @Quantity
    def _runs(self) -> Column:
        return self.matrix.levels.sum(axis=1)

    @Quantity
    def _level(self) -> Floats:
        return np.arange(1.0, self.matrix.levels.shape[1] + 1)

    @Quantity
    def _length(self) -> Floats:
        return np.arange(1.0, self.matrix.lengths.shape[1] + 1)

    def _per_run(self, runs: Floats, weights: Floats) -> Column:
        return runs @ weights / self._runs

    def _mean_power(self, of: str, power: int) -> Column:
        runs: Floats = getattr(self.matrix, f"{of}s")
        number: Floats = getattr(self, f"_{of}")
        return self._per_run(runs, number**power)

    def _unequal(self, of: str) -> Column:
        runs: Floats = getattr(self.matrix, f"{of}s")
        return np.sum(runs**2, axis=1) / self._runs

    def _variance(self, runs: Floats, value: Floats) -> Column:
        deviation = value - self._per_run(runs, value)[:, None]
        return np.sum(runs * deviation**2, axis=1) / self._runs

    short_runs_emphasis = _low_emphasis("length", "22OV")
    long_runs_emphasis = _high_emphasis("length", "W4KF", "pixel²")
    low_grey_level_run_emphasis = _low_emphasis("level", "V3SW")
    high_grey_level_run_emphasis = _high_emphasis("level", "G3QZ", "1")

    @Feature
    def short_run_low_grey_level_emphasis(self) -> Column:
        """Mean of 1 / (level² length²): short dark runs (HTZT).

        Formula: Σ r_ij / (i² j²) / N_s
        Unit: 1
        Range: (0, 1]
        """
        return self._per_run(self.matrix.short, self._level**-2)

    @Feature
    def short_run_high_grey_level_emphasis(self) -> Column:
        """Mean of level² / length²: short bright runs (GD3A).

        Formula: Σ r_ij i² / j² / N_s
        Unit: 1
        Range: (0, N_g²]
        """
        return self._per_run(self.matrix.short, self._level**2)

    @Feature
    def long_run_low_grey_level_emphasis(self) -> Column:
        """Mean of length² / level²: long dark runs (IVPO).

        Formula: Σ r_ij j² / i² / N_s
        Unit: pixel²
        Range: (0, N_r²]
        """
        return self._per_run(self.matrix.long, self._level**-2)

    @Feature
    def long_run_high_grey_level_emphasis(self) -> Column:
        """Mean of level² length²: long bright runs (3KUM).

        Formula: Σ r_ij i² j² / N_s
        Unit: pixel²
        Range: [1, N_g² N_r²]
        """
        return self._per_run(self.matrix.long, self._level**2)

    grey_level_non_uniformity = _non_uniformity("level", "R5YN")
    normalised_grey_level_non_uniformity = _normalised_non_uniformity("level", "OVBL")
    run_length_non_uniformity = _non_uniformity("length", "W92Y")
    normalised_run_length_non_uniformity = _normalised_non_uniformity("length", "IC23")

    @Feature
    def run_percentage(self) -> Column:
        """Runs per pixel (9ZK5).

        Formula: N_s / N_v
        Unit: 1
        Range: [1 / N_r, 1]
        """
        return self._runs / (self.matrix.lengths @ self._length)

    @Feature
    def grey_level_variance(self) -> Column:
        """Variance of the level over the runs (8CE5).

        Formula: Σ (i − Σ i r_ij / N_s)² r_ij / N_s
        Unit: 1
        Range: [0, (N_g − 1)² / 4]
        """
        return self._variance(self.matrix.levels, self._level)

    @Feature
    def run_length_variance(self) -> Column:
        """Variance of the length over the runs (SXLW).

        Formula: Σ (j − Σ j r_ij / N_s)² r_ij / N_s
        Unit: pixel²
        Range: [0, (N_r − 1)² / 4]
        """
        return self._variance(self.matrix.lengths, self._length)

    @Feature
    def run_entropy(self) -> Column:
        """Entropy of level and length over the runs (HJ9O).

        Formula: −Σ (r_ij / N_s) log₂(r_ij / N_s)
        Unit: bit
        Range: [0, log₂(N_g N_r)]
        """
        return np.maximum(np.log2(self._runs) - self.matrix.surprise / self._runs, 0)


@dataclass(**STRICT)
class Glrlm(TextureFamily):
    """Grey level run length matrices (IBSI TP0I).

    Attributes:
        aggregation: `averaged` computes features of each direction and takes their mean (IBSI
            BTW3); `merged` adds up the matrices of all directions first (IBSI SUJT).
    """

    aggregation: Aggregation  # type: ignore[misc]  # by keyword only

    prefix: ClassVar[str] = "glrlm"
    groups: ClassVar[tuple[type[Features], ...]] = (GlrlmFeatures,)

    def describe(self, grey: GreyLevels) -> Floats:
        """Compute the features of n images from their grey levels, (n, 16)."""
        return glrlm(grey, self.aggregation, self.dimension)


def glrlm(levels: GreyLevels, aggregation: Aggregation, dimension: Dimension = "3D") -> Floats:
    """Compute the features: in a plane along 4 directions, in a volume along 13.

    Args:
        levels: Of n images.
        aggregation: Of the directions, as in `Glrlm`.
        dimension: Of a volume, whose directions are those of a plane if not `3D`.

    Returns:
        (n, n_features).
    """
    n = len(levels.levels)
    offsets = directions(levels.depth if dimension == "3D" else 1)
    matrices = run_lengths(levels.levels, levels.number, offsets, aggregation == "merged")
    features = GlrlmFeatures(matrices).columns()
    return average(features, np.ones((n, len(features) // n), dtype=np.bool_))
