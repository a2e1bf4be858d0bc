"""Feature family `gldzm`: how far from the border the areas of one level are (IBSI 3.9, VMDZ)."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from skiagram.arrays import Floats, Whole
from skiagram.compiled.loops import compiled
from skiagram.features.discretisation import GreyLevels
from skiagram.features.family import TextureFamily
from skiagram.features.level_counts import describe_entries, tally_entries
from skiagram.features.neighbours import Forest, frame, steps
from skiagram.strict import STRICT

Steps = NDArray[np.uint16]
_FAR = 2**15


@compiled
def measure_distances(distance: Steps, sides: Whole, zones: Forest) -> None:
    """Count the steps, by sides alone, from each pixel to the first one outside the region.

    Args:
        distance: (m,) of framed images, 0 outside the region, within it more than there are steps;
            is set to the steps, at the root of a zone to those of its nearest pixel.
        sides: (2,) or (3,) steps to the next column, row and slice.
        zones: As of `zone_forest`.
    """
    # Along each axis no pixel is more than one step farther than those beside it.
    for side in sides:
        _limit(distance[side:], distance)
        _limit(distance[::-1][side:], distance[::-1])
    # Zones learn of their nearest pixel; upwards until one knows of one as near.
    for place in range(len(distance)):
        below, above = place, int(zones[place])
        while above >= 0 and distance[below] < distance[above]:
            distance[above] = distance[below]
            below, above = above, int(zones[above])


@compiled
def _limit(distance: Steps, neighbour: Steps) -> None:
    for x in range(len(distance)):
        distance[x] = min(distance[x], np.uint16(neighbour[x] + 1))


@dataclass(**STRICT)
class Gldzm(TextureFamily):
    """Grey level distance zone matrix (IBSI VMDZ)."""

    prefix: ClassVar[str] = "gldzm"

    def describe(self, grey: GreyLevels) -> Floats:
        # The steps to the border of the form, which ends with the image.
        n, apart = len(grey.levels), self.parts(grey)
        outline = apart.levels > 0 if apart.outline is None else apart.outline
        framed = frame(outline)
        sides = steps(framed.shape, np.array([[0, 0, 1], [0, 1, 0], [1, 0, 0]]))
        distance = framed.reshape(-1).astype(np.uint16)
        distance *= np.uint16(_FAR)
        del outline, framed  # as large as an image
        zones = apart.zones
        measure_distances(distance, sides, zones)
        # Zones of each distance and level.
        entries = tally_entries(apart.framed, zones, distance, n)
        pixels = np.count_nonzero(grey.levels.reshape(n, -1), axis=1).astype(np.float64)
        return describe_entries(entries, pixels)[:, :-1]  # no energy
