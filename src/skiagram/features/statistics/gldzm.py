"""Features of grey level distance zone matrices (IBSI reference manual, section 3.9, VMDZ).

Thibault et al., IEEE Trans. Biomedical Engineering 61(3), 2014. The matrix counts d_ij zones of
level i at distance j from the border of the region, N_s in all, on N_v pixels; a zone is connected,
neighbours by a corner included, and D is the largest distance there can be, half the smaller side.
A constant image has one zone at distance 1, so that no feature needs a rule of its own.
"""

from dataclasses import dataclass

from skiagram.features.feature import Column, Feature, Features
from skiagram.features.statistics.level_counts import LevelCounts


@dataclass(frozen=True)
class GldzmFeatures(Features):
    """Features of n distance zone matrices.

    Attributes:
        zones: Zones of each level and distance.
        pixels: (n,) pixels of the region, N_v.
    """

    zones: LevelCounts
    pixels: Column

    @Feature
    def small_distance_emphasis(self) -> Column:
        """Mean inverse squared distance of a zone (0GBI).

        Formula: Σ d_ij / j² / N_s
        Unit: 1
        Range: (0, 1]
        """
        return self.zones.mean(1 / self.zones.extent**2)

    @Feature
    def large_distance_emphasis(self) -> Column:
        """Mean squared distance of a zone (MB4I).

        Formula: Σ d_ij j² / N_s
        Unit: pixel²
        Range: [1, D²]
        """
        return self.zones.mean(self.zones.extent**2)

    @Feature
    def low_grey_level_zone_emphasis(self) -> Column:
        """Mean inverse squared level of a zone (S1RA).

        Formula: Σ d_ij / i² / N_s
        Unit: 1
        Range: (0, 1]
        """
        return self.zones.mean(1 / self.zones.level**2)

    @Feature
    def high_grey_level_zone_emphasis(self) -> Column:
        """Mean squared level of a zone (K26C).

        Formula: Σ d_ij i² / N_s
        Unit: 1
        Range: [1, N_g²]
        """
        return self.zones.mean(self.zones.level**2)

    @Feature
    def small_distance_low_grey_level_emphasis(self) -> Column:
        """Mean inverse square of distance times level of a zone (RUVG).

        Formula: Σ d_ij / (i² j²) / N_s
        Unit: 1
        Range: (0, 1]
        """
        return self.zones.mean(1 / (self.zones.level * self.zones.extent) ** 2)

    @Feature
    def small_distance_high_grey_level_emphasis(self) -> Column:
        """Mean squared level over squared distance of a zone (DKNJ).

        Formula: Σ d_ij i² / j² / N_s
        Unit: 1
        Range: (0, N_g²]
        """
        return self.zones.mean((self.zones.level / self.zones.extent) ** 2)

    @Feature
    def large_distance_low_grey_level_emphasis(self) -> Column:
        """Mean squared distance over squared level of a zone (A7WM).

        Formula: Σ d_ij j² / i² / N_s
        Unit: pixel²
        Range: (0, D²]
        """
        return self.zones.mean((self.zones.extent / self.zones.level) ** 2)

    @Feature
    def large_distance_high_grey_level_emphasis(self) -> Column:
        """Mean square of distance times level of a zone (KLTH).

        Formula: Σ d_ij i² j² / N_s
        Unit: pixel²
        Range: [1, N_g² D²]
        """
        return self.zones.mean((self.zones.level * self.zones.extent) ** 2)

    @Feature
    def grey_level_non_uniformity(self) -> Column:
        """How unevenly the zones are spread over the levels (VFT7).

        Formula: Σ_i (Σ_j d_ij)² / N_s
        Unit: 1
        Range: [1, N_v]
        """
        return self.zones.total * self.zones.level_energy

    @Feature
    def normalised_grey_level_non_uniformity(self) -> Column:
        """How unevenly the zones are spread over the levels, over their number (7HP3).

        Formula: Σ_i (Σ_j d_ij)² / N_s²
        Unit: 1
        Range: [1 / N_g, 1]
        """
        return self.zones.level_energy

    @Feature
    def zone_distance_non_uniformity(self) -> Column:
        """How unevenly the zones are spread over the distances (V294).

        Formula: Σ_j (Σ_i d_ij)² / N_s
        Unit: 1
        Range: [1, N_v]
        """
        return self.zones.total * self.zones.extent_energy

    @Feature
    def normalised_zone_distance_non_uniformity(self) -> Column:
        """How unevenly the zones are spread over the distances, over their number (IATH).

        Formula: Σ_j (Σ_i d_ij)² / N_s²
        Unit: 1
        Range: (0, 1]
        """
        return self.zones.extent_energy

    @Feature
    def zone_percentage(self) -> Column:
        """Zones per pixel (VIWW).

        Formula: N_s / N_v
        Unit: 1
        Range: (0, 1]
        """
        return self.zones.total / self.pixels

    @Feature
    def grey_level_variance(self) -> Column:
        """Variance of the level of a zone (QK93).

        Formula: Σ p_ij (i − μ)², with p_ij = d_ij / N_s and μ = Σ p_ij i
        Unit: 1
        Range: [0, (N_g − 1)² / 4]
        """
        return self.zones.variance(self.zones.level)

    @Feature
    def zone_distance_variance(self) -> Column:
        """Variance of the distance of a zone (7WT1).

        Formula: Σ p_ij (j − μ)², with p_ij = d_ij / N_s and μ = Σ p_ij j
        Unit: pixel²
        Range: [0, (D − 1)² / 4]
        """
        return self.zones.variance(self.zones.extent)

    @Feature
    def zone_distance_entropy(self) -> Column:
        """Entropy of level and distance of a zone (GBDU).

        Formula: −Σ p_ij log₂ p_ij, with p_ij = d_ij / N_s
        Unit: bit
        Range: [0, log₂ N_v]
        """
        return self.zones.entropy
