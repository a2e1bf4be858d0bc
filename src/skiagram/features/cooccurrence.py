"""Grey level co-occurrence: which levels stand next to which.

IBSI reference manual, section 3.6 (LFYI); Haralick et al., IEEE Trans. SMC 3(6), 1973.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from skiagram.features.discretisation import entropy, histograms
from skiagram.features.feature import Column, Feature, Features


def offsets(distance: int, shape: tuple[int, int]) -> list[tuple[int, int]]:
    """Return the four directions (rows, columns) at a Chebyshev distance that fit in an image.

    Where none fits, a pixel's only neighbour is itself, so that the image looks constant.

    Args:
        distance: Pixels, from 1.
        shape: Height and width.
    """
    directions = [(0, distance), (distance, distance), (distance, 0), (distance, -distance)]
    fitting = [(y, x) for y, x in directions if y < shape[0] and abs(x) < shape[1]]
    return fitting or [(0, 0)]


def cooccurrence(
    levels: NDArray[np.int64], offset: tuple[int, int], n_levels: int
) -> NDArray[np.float64]:
    """Count pairs of grey levels one offset apart, in both orders.

    Args:
        levels: (n, height, width) in [0, n_levels).
        offset: Rows (from 0) and columns between the two pixels.
        n_levels: Number of grey levels.

    Returns:
        (n, n_levels, n_levels) symmetric, each matrix sums to 1.
    """
    (y, x), (height, width) = offset, levels.shape[1:]
    first = levels[:, : height - y, max(0, -x) : width - max(0, x)]
    second = levels[:, y:, max(0, x) : width + min(0, x)]
    pairs = histograms(first * n_levels + second, n_levels**2).reshape(-1, n_levels, n_levels)
    return (pairs + pairs.transpose(0, 2, 1)) / 2


@dataclass(frozen=True)
class Cooccurrence(Features):
    """Features of n co-occurrence matrices; levels count from 1, logarithms are to base 2.

    The sums and the differences of the two levels carry most of them (Unser, IEEE Trans. PAMI
    8(1), 1986), so a constant image needs no rule but one: its correlation is 1.

    Attributes:
        joint: (n, levels, levels) symmetric, each matrix sums to 1.
    """

    joint: NDArray[np.float64]

    @cached_property
    def _sums(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        n_levels = self.joint.shape[1]
        level = np.arange(n_levels)
        shares = _regroup(self.joint, level[:, None] + level, 2 * n_levels - 1)
        return shares, np.arange(2, 2 * n_levels + 1)

    @cached_property
    def _differences(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        level = np.arange(self.joint.shape[1])
        return _regroup(self.joint, np.abs(level[:, None] - level), len(level)), level

    def _cluster(self, power: int) -> Column:
        shares, value = self._sums
        offset = value - (shares @ value)[:, None]
        return np.sum(shares * offset**power, axis=1)

    @Feature
    def joint_maximum(self) -> Column:
        """Largest share of a pair of levels (GYBY)."""
        return self.joint.max(axis=(1, 2))

    @Feature
    def joint_average(self) -> Column:
        """Mean level (60VM)."""
        shares, value = self._sums
        return shares @ value / 2

    @Feature
    def joint_variance(self) -> Column:
        """Variance of the level (UR99)."""
        return (self.cluster_tendency + self.contrast) / 4

    @Feature
    def joint_entropy(self) -> Column:
        """Entropy of the pairs of levels in bits (TU9B)."""
        return entropy(self.joint.reshape(len(self.joint), -1))

    @Feature
    def angular_second_moment(self) -> Column:
        """Sum of the squared shares, also called energy (8ZQL)."""
        return np.sum(self.joint**2, axis=(1, 2))

    @Feature
    def contrast(self) -> Column:
        """Mean squared difference of the levels (ACUI)."""
        shares, value = self._differences
        return shares @ value**2

    @Feature
    def dissimilarity(self) -> Column:
        """Mean difference of the levels (8S9J)."""
        shares, value = self._differences
        return shares @ value

    @Feature
    def inverse_difference(self) -> Column:
        """Mean of 1 / (1 + difference) (IB1Z)."""
        shares, value = self._differences
        return shares @ (1 / (1 + value))

    @Feature
    def inverse_difference_moment(self) -> Column:
        """Mean of 1 / (1 + difference²), also called homogeneity (WF0Z)."""
        shares, value = self._differences
        return shares @ (1 / (1 + value**2))

    @Feature
    def correlation(self) -> Column:
        """Correlation of the two levels; 1 where there is but one level (NI2N)."""
        both = self.cluster_tendency + self.contrast
        apart = self.cluster_tendency - self.contrast
        return np.divide(apart, both, out=np.ones_like(both), where=both > 0)

    @Feature
    def autocorrelation(self) -> Column:
        """Mean product of the two levels (QWB0)."""
        shares, value = self._sums
        return (shares @ value**2 - self.contrast) / 4

    @Feature
    def cluster_tendency(self) -> Column:
        """Variance of the sum of the levels (DG8W)."""
        return self._cluster(2)

    @Feature
    def cluster_shade(self) -> Column:
        """Third central moment of the sum of the levels (7NFM)."""
        return self._cluster(3)

    @Feature
    def cluster_prominence(self) -> Column:
        """Fourth central moment of the sum of the levels (AE86)."""
        return self._cluster(4)


def _regroup(
    joint: NDArray[np.float64], group: NDArray[np.int64], n_groups: int
) -> NDArray[np.float64]:
    codes = group.ravel() + n_groups * np.arange(len(joint))[:, None]
    shares = np.bincount(codes.ravel(), weights=joint.ravel(), minlength=len(joint) * n_groups)
    return shares.astype(np.float64).reshape(len(joint), n_groups)
