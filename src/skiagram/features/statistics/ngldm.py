"""Features of neighbouring grey level dependence matrices (IBSI reference manual, 3.11, REK0).

Sun and Wee, Computer Vision, Graphics, and Image Processing 23(3), 1983. The matrix counts s_ij
pixels of level i and dependence j: they have j − 1 neighbours of about their own level. N_s is the
number of pixels, K the highest dependence, 9 at distance 1. No feature needs a rule of its own.
"""

from dataclasses import dataclass

import numpy as np

from skiagram.features.feature import Column, Feature, Features
from skiagram.features.statistics.level_counts import LevelCounts


@dataclass(frozen=True)
class NgldmFeatures(Features):
    """Features of n dependence matrices.

    Attributes:
        pixels: Pixels of each level and dependence.
    """

    pixels: LevelCounts

    @Feature
    def low_dependence_emphasis(self) -> Column:
        """Mean inverse squared dependence of a pixel (SODN).

        Formula: Σ s_ij / j² / N_s
        Unit: 1
        Range: [1 / K², 1]
        """
        return self.pixels.mean(1 / self.pixels.extent**2)

    @Feature
    def high_dependence_emphasis(self) -> Column:
        """Mean squared dependence of a pixel (IMOQ).

        Formula: Σ s_ij j² / N_s
        Unit: 1
        Range: [1, K²]
        """
        return self.pixels.mean(self.pixels.extent**2)

    @Feature
    def low_grey_level_count_emphasis(self) -> Column:
        """Mean inverse squared level of a pixel (TL9H).

        Formula: Σ s_ij / i² / N_s
        Unit: 1
        Range: (0, 1]
        """
        return self.pixels.mean(1 / self.pixels.level**2)

    @Feature
    def high_grey_level_count_emphasis(self) -> Column:
        """Mean squared level of a pixel (OAE7).

        Formula: Σ s_ij i² / N_s
        Unit: 1
        Range: [1, N_g²]
        """
        return self.pixels.mean(self.pixels.level**2)

    @Feature
    def low_dependence_low_grey_level_emphasis(self) -> Column:
        """Mean inverse square of dependence times level of a pixel (EQ3F).

        Formula: Σ s_ij / (i² j²) / N_s
        Unit: 1
        Range: (0, 1]
        """
        return self.pixels.mean(1 / (self.pixels.level * self.pixels.extent) ** 2)

    @Feature
    def low_dependence_high_grey_level_emphasis(self) -> Column:
        """Mean squared level over squared dependence of a pixel (JA6D).

        Formula: Σ s_ij i² / j² / N_s
        Unit: 1
        Range: [1 / K², N_g²]
        """
        return self.pixels.mean((self.pixels.level / self.pixels.extent) ** 2)

    @Feature
    def high_dependence_low_grey_level_emphasis(self) -> Column:
        """Mean squared dependence over squared level of a pixel (NBZI).

        Formula: Σ s_ij j² / i² / N_s
        Unit: 1
        Range: (0, K²]
        """
        return self.pixels.mean((self.pixels.extent / self.pixels.level) ** 2)

    @Feature
    def high_dependence_high_grey_level_emphasis(self) -> Column:
        """Mean square of dependence times level of a pixel (9QMG).

        Formula: Σ s_ij i² j² / N_s
        Unit: 1
        Range: [1, N_g² K²]
        """
        return self.pixels.mean((self.pixels.level * self.pixels.extent) ** 2)

    @Feature
    def grey_level_non_uniformity(self) -> Column:
        """How unevenly the pixels are spread over the levels (FP8K).

        Formula: Σ_i (Σ_j s_ij)² / N_s
        Unit: 1
        Range: [1, N_s]
        """
        return self.pixels.total * self.pixels.level_energy

    @Feature
    def normalised_grey_level_non_uniformity(self) -> Column:
        """How unevenly the pixels are spread over the levels, over their number (5SPA).

        Formula: Σ_i (Σ_j s_ij)² / N_s²
        Unit: 1
        Range: [1 / N_g, 1]
        """
        return self.pixels.level_energy

    @Feature
    def dependence_count_non_uniformity(self) -> Column:
        """How unevenly the pixels are spread over the dependences (Z87G).

        Formula: Σ_j (Σ_i s_ij)² / N_s
        Unit: 1
        Range: [1, N_s]
        """
        return self.pixels.total * self.pixels.extent_energy

    @Feature
    def normalised_dependence_count_non_uniformity(self) -> Column:
        """How unevenly the pixels are spread over the dependences, over their number (OKJI).

        Formula: Σ_j (Σ_i s_ij)² / N_s²
        Unit: 1
        Range: [1 / K, 1]
        """
        return self.pixels.extent_energy

    @Feature
    def dependence_count_percentage(self) -> Column:
        """Pixels that have a dependence, over all: always 1, since every pixel has one (6XV8).

        Formula: N_s / N_v
        Unit: 1
        Range: [1, 1]
        """
        return np.ones(self.pixels.n)

    @Feature
    def grey_level_variance(self) -> Column:
        """Variance of the level of a pixel (1PFV).

        Formula: Σ p_ij (i − μ)², with p_ij = s_ij / N_s and μ = Σ p_ij i
        Unit: 1
        Range: [0, (N_g − 1)² / 4]
        """
        return self.pixels.variance(self.pixels.level)

    @Feature
    def dependence_count_variance(self) -> Column:
        """Variance of the dependence of a pixel (DNX2).

        Formula: Σ p_ij (j − μ)², with p_ij = s_ij / N_s and μ = Σ p_ij j
        Unit: 1
        Range: [0, (K − 1)² / 4]
        """
        return self.pixels.variance(self.pixels.extent)

    @Feature
    def dependence_count_entropy(self) -> Column:
        """Entropy of level and dependence of a pixel (FCBV).

        Formula: −Σ p_ij log₂ p_ij, with p_ij = s_ij / N_s
        Unit: bit
        Range: [0, log₂ (K N_g)]
        """
        return self.pixels.entropy

    @Feature
    def dependence_count_energy(self) -> Column:
        """Sum of the squared shares of level and dependence (CAS9).

        Formula: Σ p_ij², with p_ij = s_ij / N_s
        Unit: 1
        Range: (0, 1]
        """
        return self.pixels.energy
