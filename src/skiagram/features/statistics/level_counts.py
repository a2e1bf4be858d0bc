"""Counts of what has a grey level and an extent: zones of a size, pixels of a dependence.

The matrices of the IBSI reference manual that have grey levels in their rows share most of their
features; here they are computed from the entries that are not 0.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from skiagram.compiled import compiled
from skiagram.features.feature import Column, Quantity


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
    image: NDArray[np.int64]
    extent: NDArray[np.float64]
    level: NDArray[np.float64]
    count: NDArray[np.float64]

    @classmethod
    def of_entries(cls, n: int, entries: NDArray[np.int64]) -> Self:
        """Return the counts from (4, m): image, extent, level and count of each entry."""
        extent, level, count = entries[1:].astype(np.float64)
        return cls(n, entries[0], extent, level, count)

    @classmethod
    def of_matrices(cls, matrices: NDArray[np.int64]) -> Self:
        """Return the counts from (n, extents, levels), both counted from 1."""
        image, extent, level = np.nonzero(matrices)
        entries = np.stack([image, extent + 1, level + 1, matrices[image, extent, level]])
        return cls.of_entries(len(matrices), entries)

    @Quantity
    def total(self) -> Column:
        """Number of all that is counted, N_s = Σ s_ij."""
        return self._sum(self.count)

    @Quantity
    def share(self) -> NDArray[np.float64]:
        """Share of each entry, (m,): p_ij = s_ij / N_s."""
        return self.count / self.total[self.image]

    def mean(self, values: NDArray[np.float64]) -> Column:
        """Return Σ p_ij v_ij for the value (m,) of each entry."""
        return self._sum(self.count * values) / self.total

    def variance(self, values: NDArray[np.float64]) -> Column:
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

    def _sum(self, values: NDArray[np.float64]) -> Column:
        return _sums(self.image, values, self.n)


@compiled
def _sums(group: NDArray[np.int64], values: NDArray[np.float64], n: int) -> Column:
    sums = np.zeros(n)
    for at in range(len(group)):
        sums[group[at]] += values[at]
    return sums
