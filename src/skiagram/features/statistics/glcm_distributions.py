"""Co-occurrence features: the pairs of levels, their sums and their differences.

IBSI reference manual, section 3.6 (LFYI); Haralick et al., IEEE Trans. SMC 3(6), 1973. In the
formulas p_ij is the share of pairs of levels i and j, d = |i − j|, s = i + j, μ the mean level and
N_g the highest level of the image.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skiagram.features.discretisation import entropy
from skiagram.features.feature import Column, Feature, Features, Quantity
from skiagram.features.kernels.cooccurrence import Cooccurrences


@dataclass(frozen=True)
class GlcmDistributions(Features):
    """Features of m symmetric matrices; a constant image needs no rule.

    Attributes:
        matrix: What is kept of the matrices.
    """

    matrix: Cooccurrences

    @Quantity
    def sum(self) -> NDArray[np.int64]:
        """Sums of two levels, (2N − 1,)."""
        return np.arange(2, self.matrix.sums.shape[1] + 2)

    @Quantity
    def difference(self) -> NDArray[np.int64]:
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
