"""Co-occurrence features: how close, how correlated and how clustered the levels of a pair are.

IBSI reference manual, section 3.6 (LFYI); Haralick et al., IEEE Trans. SMC 3(6), 1973; clusters:
Unser, IEEE Trans. PAMI 8(1), 1986. In the formulas p_ij is the share of pairs of levels i and j,
p_i the share of level i, d = |i − j|, s = i + j, μ the mean level and N_g the highest level.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skiagram.features.discretisation import entropy
from skiagram.features.feature import Column, Feature, Features, Quantity, ratio
from skiagram.features.statistics.glcm_distributions import GlcmDistributions


@dataclass(frozen=True)
class GlcmRelations(Features):
    """How the two levels of a pair go together; a constant image needs no rule but two.

    Attributes:
        pairs: The distributions of n matrices.
    """

    pairs: GlcmDistributions

    @Quantity
    def _normalised_difference(self) -> NDArray[np.float64]:
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
