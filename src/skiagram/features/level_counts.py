"""Counts of what has a grey level and an extent: zones of a size, pixels of a dependence.

The matrices of the IBSI reference manual that have grey levels in their rows (sections 3.8, 3.9 and
3.11) share most of their features under names of their own; here they are computed, from the
entries that are not 0.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from skiagram.compute.compiled import compiled
from skiagram.features.feature import Column, Feature, Features, Quantity

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class LevelCounts:
    """The entries s_ij > 0 of n matrices of levels i and extents j, in the order of image and j.

    Attributes:
        n: Number of matrices; each has an entry.
        image: (m,) int64, the matrix of an entry.
        extent: (m,) float64, j from 1.
        level: (m,) float64, i from 1.
        count: (m,) float64, s_ij.
    """

    n: int
    image: Integers
    extent: Floats
    level: Floats
    count: Floats

    @classmethod
    def of_entries(cls, n: int, entries: Integers) -> Self:
        """Return the counts from (4, m): image, extent, level and count of each entry."""
        extent, level, count = entries[1:].astype(np.float64)
        return cls(n, entries[0], extent, level, count)

    @classmethod
    def of_matrices(cls, matrices: Integers) -> Self:
        """Return the counts from (n, extents, levels), both counted from 1."""
        image, extent, level = np.nonzero(matrices)
        entries = np.stack([image, extent + 1, level + 1, matrices[image, extent, level]])
        return cls.of_entries(len(matrices), entries)

    @Quantity
    def total(self) -> Column:
        """Number of all that is counted, N_s = Σ s_ij."""
        return self._sum(self.count)

    @Quantity
    def share(self) -> Floats:
        """Share of each entry, (m,): p_ij = s_ij / N_s."""
        return self.count / self.total[self.image]

    def mean(self, values: Floats) -> Column:
        """Return Σ p_ij v_ij for the value (m,) of each entry."""
        return self._sum(self.count * values) / self.total

    def variance(self, values: Floats) -> Column:
        """Return Σ p_ij (v_ij − μ)² for the value (m,) of each entry, with μ their mean."""
        return self.mean((values - self.mean(values)[self.image]) ** 2)

    @Quantity
    def entropy(self) -> Column:
        """Entropy −Σ p_ij log₂ p_ij in bits."""
        return np.abs(self.mean(np.log2(self.share)))

    @Quantity
    def energy(self) -> Column:
        """Sum of the squared shares, Σ p_ij²."""
        return self.mean(self.share)

    @Quantity
    def level_energy(self) -> Column:
        """Sum of the squared shares of the levels, Σ_i (Σ_j p_ij)²."""
        number = int(self.level.max()) + 1
        code = self.image * number + self.level.astype(np.int64)
        shares = _sums(code, self.share, self.n * number)
        energy: Column = np.sum(shares.reshape(self.n, number) ** 2, axis=1)
        return energy

    @Quantity
    def extent_energy(self) -> Column:
        """Sum of the squared shares of the extents, Σ_j (Σ_i p_ij)²."""
        changes = (np.diff(self.image) != 0) | (np.diff(self.extent) != 0)
        first = np.flatnonzero(np.append(True, changes))
        shares = np.add.reduceat(self.share, first)
        return _sums(self.image[first], shares**2, self.n)

    def _sum(self, values: Floats) -> Column:
        return _sums(self.image, values, self.n)


@compiled
def _sums(group: Integers, values: Floats, n: int) -> Column:
    sums = np.zeros(n)
    for entry in range(len(group)):
        sums[group[entry]] += values[entry]
    return sums


def _low_emphasis(of: str, word: str, index: str) -> Feature:
    return Feature.of(
        lambda features: features.counts.mean(1 / getattr(features.counts, of) ** 2),
        f"Mean inverse squared {word} of a {{counted}} ({{ibsi}}).",
        f"Σ {{s}}_ij / {index}² / N_s",
        "1",
        "(0, 1]",
    )


def _high_emphasis(of: str, word: str, index: str, unit: str, limits: str) -> Feature:
    meaning = f"Mean squared {word} of a {{counted}} ({{ibsi}})."
    return Feature.of(
        lambda features: features.counts.mean(getattr(features.counts, of) ** 2),
        meaning, f"Σ {{s}}_ij {index}² / N_s", unit, limits,
    )  # fmt: skip


_SUMS = {"level": "Σ_i (Σ_j {s}_ij)²", "extent": "Σ_j (Σ_i {s}_ij)²"}


def _non_uniformity(of: str, words: str) -> Feature:
    return Feature.of(
        lambda features: features.counts.total * getattr(features.counts, f"{of}_energy"),
        f"How unevenly the {{counted}}s are spread over the {words} ({{ibsi}}).",
        f"{_SUMS[of]} / N_s",
        "1",
        "[1, {total}]",
    )


def _normalised_non_uniformity(of: str, words: str, limits: str) -> Feature:
    meaning = f"How unevenly the {{counted}}s are spread over the {words}, over their number"
    return Feature.of(
        lambda features: getattr(features.counts, f"{of}_energy"),
        f"{meaning} ({{ibsi}}).", f"{_SUMS[of]} / N_s²", "1", limits,
    )  # fmt: skip


@dataclass(frozen=True)
class CountFeatures(Features):
    """Base of the features of n such matrices; a subclass says which it has and how it names them.

    In the docstrings `{counted}` is what the matrix counts, `{extent}` its extent, `{s}` the symbol
    of an entry, `{total}` that of their number, `{most}` that of the largest extent and `{unit}`
    the unit of its square.

    Attributes:
        counts: Of each level and extent.
    """

    counts: LevelCounts

    low_extent_emphasis = _low_emphasis("extent", "{extent}", "j")
    high_extent_emphasis = _high_emphasis("extent", "{extent}", "j", "{unit}", "[1, {most}²]")
    low_level_emphasis = _low_emphasis("level", "level", "i")
    high_level_emphasis = _high_emphasis("level", "level", "i", "1", "[1, N_g²]")

    @Feature
    def low_extent_low_level_emphasis(self) -> Column:
        """Mean inverse square of {extent} times level of a {counted} ({ibsi}).

        Formula: Σ {s}_ij / (i² j²) / N_s
        Unit: 1
        Range: (0, 1]
        """
        return self.counts.mean(1 / (self.counts.level * self.counts.extent) ** 2)

    @Feature
    def low_extent_high_level_emphasis(self) -> Column:
        """Mean squared level over squared {extent} of a {counted} ({ibsi}).

        Formula: Σ {s}_ij i² / j² / N_s
        Unit: 1
        Range: (0, N_g²]
        """
        return self.counts.mean((self.counts.level / self.counts.extent) ** 2)

    @Feature
    def high_extent_low_level_emphasis(self) -> Column:
        """Mean squared {extent} over squared level of a {counted} ({ibsi}).

        Formula: Σ {s}_ij j² / i² / N_s
        Unit: {unit}
        Range: (0, {most}²]
        """
        return self.counts.mean((self.counts.extent / self.counts.level) ** 2)

    @Feature
    def high_extent_high_level_emphasis(self) -> Column:
        """Mean square of {extent} times level of a {counted} ({ibsi}).

        Formula: Σ {s}_ij i² j² / N_s
        Unit: {unit}
        Range: [1, N_g² {most}²]
        """
        return self.counts.mean((self.counts.level * self.counts.extent) ** 2)

    level_non_uniformity = _non_uniformity("level", "levels")
    normalised_level_non_uniformity = _normalised_non_uniformity("level", "levels", "[1 / N_g, 1]")
    extent_non_uniformity = _non_uniformity("extent", "{extent}s")
    normalised_extent_non_uniformity = _normalised_non_uniformity("extent", "{extent}s", "(0, 1]")

    @Feature
    def level_variance(self) -> Column:
        """Variance of the level of a {counted} ({ibsi}).

        Formula: Σ p_ij (i − μ)², with p_ij = {s}_ij / N_s and μ = Σ p_ij i
        Unit: 1
        Range: [0, (N_g − 1)² / 4]
        """
        return self.counts.variance(self.counts.level)

    @Feature
    def extent_variance(self) -> Column:
        """Variance of the {extent} of a {counted} ({ibsi}).

        Formula: Σ p_ij (j − μ)², with p_ij = {s}_ij / N_s and μ = Σ p_ij j
        Unit: {unit}
        Range: [0, ({most} − 1)² / 4]
        """
        return self.counts.variance(self.counts.extent)

    @Feature
    def entropy(self) -> Column:
        """Entropy of level and {extent} of a {counted} ({ibsi}).

        Formula: −Σ p_ij log₂ p_ij, with p_ij = {s}_ij / N_s
        Unit: bit
        Range: [0, log₂ {total}]
        """
        return self.counts.entropy
