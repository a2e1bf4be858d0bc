"""Features of grey level size zone matrices (IBSI reference manual, section 3.8, 9SAK).

Thibault et al., IEEE Trans. Biomedical Engineering 61(3), 2014. The matrix counts s_ij zones of
level i and size j, N_s in all, on N_v pixels; a zone is connected, neighbours by a corner included.
A constant image has one zone, so that no feature needs a rule of its own.
"""

from dataclasses import dataclass

from skiagram.features.feature import Column, Feature, Features
from skiagram.features.statistics.level_counts import LevelCounts


@dataclass(frozen=True)
class GlszmFeatures(Features):
    """Features of n size zone matrices.

    Attributes:
        zones: Zones of each level and size.
    """

    zones: LevelCounts

    @Feature
    def small_zone_emphasis(self) -> Column:
        """Mean inverse squared size of a zone (5QRC).

        Formula: Σ s_ij / j² / N_s
        Unit: 1
        Range: (0, 1]
        """
        return self.zones.mean(1 / self.zones.extent**2)

    @Feature
    def large_zone_emphasis(self) -> Column:
        """Mean squared size of a zone (48P8).

        Formula: Σ s_ij j² / N_s
        Unit: pixel²
        Range: [1, N_v²]
        """
        return self.zones.mean(self.zones.extent**2)

    @Feature
    def low_grey_level_zone_emphasis(self) -> Column:
        """Mean inverse squared level of a zone (XMSY).

        Formula: Σ s_ij / i² / N_s
        Unit: 1
        Range: (0, 1]
        """
        return self.zones.mean(1 / self.zones.level**2)

    @Feature
    def high_grey_level_zone_emphasis(self) -> Column:
        """Mean squared level of a zone (5GN9).

        Formula: Σ s_ij i² / N_s
        Unit: 1
        Range: [1, N_g²]
        """
        return self.zones.mean(self.zones.level**2)

    @Feature
    def small_zone_low_grey_level_emphasis(self) -> Column:
        """Mean inverse square of size times level of a zone (5RAI).

        Formula: Σ s_ij / (i² j²) / N_s
        Unit: 1
        Range: (0, 1]
        """
        return self.zones.mean(1 / (self.zones.level * self.zones.extent) ** 2)

    @Feature
    def small_zone_high_grey_level_emphasis(self) -> Column:
        """Mean squared level over squared size of a zone (HW1V).

        Formula: Σ s_ij i² / j² / N_s
        Unit: 1
        Range: (0, N_g²]
        """
        return self.zones.mean((self.zones.level / self.zones.extent) ** 2)

    @Feature
    def large_zone_low_grey_level_emphasis(self) -> Column:
        """Mean squared size over squared level of a zone (YH51).

        Formula: Σ s_ij j² / i² / N_s
        Unit: pixel²
        Range: (0, N_v²]
        """
        return self.zones.mean((self.zones.extent / self.zones.level) ** 2)

    @Feature
    def large_zone_high_grey_level_emphasis(self) -> Column:
        """Mean square of size times level of a zone (J17V).

        Formula: Σ s_ij i² j² / N_s
        Unit: pixel²
        Range: [1, N_g² N_v²]
        """
        return self.zones.mean((self.zones.level * self.zones.extent) ** 2)

    @Feature
    def grey_level_non_uniformity(self) -> Column:
        """How unevenly the zones are spread over the levels (JNSA).

        Formula: Σ_i (Σ_j s_ij)² / N_s
        Unit: 1
        Range: [1, N_v]
        """
        return self.zones.total * self.zones.level_energy

    @Feature
    def normalised_grey_level_non_uniformity(self) -> Column:
        """How unevenly the zones are spread over the levels, over their number (Y1RO).

        Formula: Σ_i (Σ_j s_ij)² / N_s²
        Unit: 1
        Range: [1 / N_g, 1]
        """
        return self.zones.level_energy

    @Feature
    def zone_size_non_uniformity(self) -> Column:
        """How unevenly the zones are spread over the sizes (4JP3).

        Formula: Σ_j (Σ_i s_ij)² / N_s
        Unit: 1
        Range: [1, N_v]
        """
        return self.zones.total * self.zones.extent_energy

    @Feature
    def normalised_zone_size_non_uniformity(self) -> Column:
        """How unevenly the zones are spread over the sizes, over their number (VB3A).

        Formula: Σ_j (Σ_i s_ij)² / N_s²
        Unit: 1
        Range: (0, 1]
        """
        return self.zones.extent_energy

    @Feature
    def zone_percentage(self) -> Column:
        """Zones per pixel (P30P).

        Formula: N_s / N_v
        Unit: 1
        Range: (0, 1]
        """
        return 1 / self.zones.mean(self.zones.extent)  # sizes add up to the pixels

    @Feature
    def grey_level_variance(self) -> Column:
        """Variance of the level of a zone (BYLV).

        Formula: Σ p_ij (i − μ)², with p_ij = s_ij / N_s and μ = Σ p_ij i
        Unit: 1
        Range: [0, (N_g − 1)² / 4]
        """
        return self.zones.variance(self.zones.level)

    @Feature
    def zone_size_variance(self) -> Column:
        """Variance of the size of a zone (3NSA).

        Formula: Σ p_ij (j − μ)², with p_ij = s_ij / N_s and μ = Σ p_ij j
        Unit: pixel²
        Range: [0, (N_v − 1)² / 4]
        """
        return self.zones.variance(self.zones.extent)

    @Feature
    def zone_size_entropy(self) -> Column:
        """Entropy of level and size of a zone (GU8N).

        Formula: −Σ p_ij log₂ p_ij, with p_ij = s_ij / N_s
        Unit: bit
        Range: [0, log₂ N_v]
        """
        return self.zones.entropy
