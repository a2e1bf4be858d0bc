"""Feature family `gldzm`: how far from the border the areas of one level are (IBSI 3.9, VMDZ)."""

from dataclasses import dataclass as record
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from skiagram.compute.compiled import compiled
from skiagram.features.discretisation import GreyLevels
from skiagram.features.family import TextureFamily
from skiagram.features.feature import Column, Feature, Features
from skiagram.features.level_counts import CountFeatures, LevelCounts
from skiagram.options import STRICT

Floats = NDArray[np.float64]
Levels = NDArray[np.uint16]

FAR = np.uint16(2**16 - 1)


@compiled
def distance_zones(
    levels: NDArray[np.uint16], outline: NDArray[np.bool_], forest: NDArray[np.int32], number: int
) -> NDArray[np.int64]:
    """Count the zones of each distance and level.

    A zone is as far from the border as its nearest pixel: the steps, by sides alone, to the first
    pixel outside the region; the region ends with the image.

    Args:
        levels: (n, depth, height, width) from 1 to `number`, 0 outside the region; the smallest
            side has fewer than 2¹⁷ pixels.
        outline: Of the same shape, true in the region whose border it is.
        forest: (n, pixels) of `zone_forest`.
        number: Number of levels.

    Returns:
        (n, farthest, number): counts of distance 1, 2, … and level 1, 2, …
    """
    n, depth, height, width = levels.shape
    smallest = min(height, width) if depth == 1 else min(depth, height, width)
    counts = np.zeros((n, (smallest + 1) // 2, number), dtype=np.int64)
    distance = np.empty((depth, height, width), dtype=np.uint16)
    for image in range(n):
        region, flat = levels[image].ravel(), distance.reshape(-1)
        outer = outline[image].ravel()
        for place in range(len(flat)):
            flat[place] = FAR if outer[place] else 0
        _spread(distance)
        _spread(distance[::-1, ::-1, ::-1])
        _count(region, forest[image], flat, counts[image])
    return counts


@compiled
def _spread(distance: NDArray[np.uint16]) -> None:
    """Let no pixel be more than one step farther than those right before it."""
    depth, height, width = distance.shape
    for z in range(depth):
        for y in range(height):
            for x in range(width):
                before = np.uint16(0)
                if y > 0 and x > 0 and (z > 0 or depth == 1):
                    before = min(distance[z, y - 1, x], distance[z, y, x - 1])
                    if depth > 1:
                        before = min(before, distance[z - 1, y, x])
                distance[z, y, x] = min(distance[z, y, x], before + 1)


@compiled
def _count(
    levels: Levels, forest: NDArray[np.int32], distance: Levels, counts: NDArray[np.int64]
) -> None:
    """Count the zones of one image; the distance at a root becomes that of its zone."""
    for place in range(len(levels)):
        if levels[place] > 0:
            root = place
            while forest[root] >= 0:
                root = forest[root]
            distance[root] = min(distance[root], distance[place])
    for place in range(len(levels)):
        if forest[place] < 0:
            counts[distance[place] - 1, levels[place] - 1] += 1


_ZONES = {
    "counted": "zone", "extent": "distance", "s": "d", "total": "N_v", "most": "D", "unit": "pixel²"
}  # fmt: skip


@record(frozen=True)
class GldzmFeatures(CountFeatures):
    """Features of n distance zone matrices.

    Thibault et al., IEEE Trans. Biomedical Engineering 61(3), 2014. The matrix counts d_ij zones of
    level i at distance j from the border of the region, N_s in all, on N_v pixels; a zone is
    connected, neighbours by a corner included, and D is the largest distance there can be, half the
    smaller side. A constant image has one zone at distance 1, so that no feature needs a rule of
    its own.

    Attributes:
        counts: Zones of each level and distance.
        pixels: (n,) pixels of the region, N_v.
    """

    pixels: Column

    small_distance_emphasis = CountFeatures.low_extent_emphasis.defined(_ZONES, "0GBI")
    large_distance_emphasis = CountFeatures.high_extent_emphasis.defined(_ZONES, "MB4I")
    low_grey_level_zone_emphasis = CountFeatures.low_level_emphasis.defined(_ZONES, "S1RA")
    high_grey_level_zone_emphasis = CountFeatures.high_level_emphasis.defined(_ZONES, "K26C")
    small_distance_low_grey_level_emphasis = CountFeatures.low_extent_low_level_emphasis.defined(
        _ZONES, "RUVG"
    )
    small_distance_high_grey_level_emphasis = CountFeatures.low_extent_high_level_emphasis.defined(
        _ZONES, "DKNJ"
    )
    large_distance_low_grey_level_emphasis = CountFeatures.high_extent_low_level_emphasis.defined(
        _ZONES, "A7WM"
    )
    large_distance_high_grey_level_emphasis = CountFeatures.high_extent_high_level_emphasis.defined(
        _ZONES, "KLTH"
    )
    grey_level_non_uniformity = CountFeatures.level_non_uniformity.defined(_ZONES, "VFT7")
    normalised_grey_level_non_uniformity = CountFeatures.normalised_level_non_uniformity.defined(
        _ZONES, "7HP3"
    )
    zone_distance_non_uniformity = CountFeatures.extent_non_uniformity.defined(_ZONES, "V294")
    normalised_zone_distance_non_uniformity = (
        CountFeatures.normalised_extent_non_uniformity.defined(_ZONES, "IATH")
    )

    @Feature
    def zone_percentage(self) -> Column:
        """Zones per pixel (VIWW).

        Formula: N_s / N_v
        Unit: 1
        Range: (0, 1]
        """
        return self.counts.total / self.pixels

    grey_level_variance = CountFeatures.level_variance.defined(_ZONES, "QK93")
    zone_distance_variance = CountFeatures.extent_variance.defined(_ZONES, "7WT1")
    zone_distance_entropy = CountFeatures.entropy.defined(_ZONES, "GBDU")


@dataclass(**STRICT)
class Gldzm(TextureFamily):
    """Grey level distance zone matrix (IBSI VMDZ)."""

    prefix: ClassVar[str] = "gldzm"
    groups: ClassVar[tuple[type[Features], ...]] = (GldzmFeatures,)

    def describe(self, grey: GreyLevels) -> Floats:
        """Compute the features of n images from their grey levels, (n, 16)."""
        apart = grey if self.dimension == "3D" else grey.planes()
        outline = apart.levels > 0 if apart.outline is None else apart.outline
        zones = distance_zones(apart.levels, outline, apart.zones, apart.number)
        zones = zones.reshape(len(grey.levels), -1, *zones.shape[1:]).sum(axis=1)
        pixels = np.count_nonzero(grey.levels, axis=(1, 2, 3)).astype(np.float64)
        return GldzmFeatures(LevelCounts.of_matrices(zones), pixels).columns()
