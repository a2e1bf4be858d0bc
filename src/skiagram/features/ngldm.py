"""Feature family `ngldm`: how many neighbours have about the level of a pixel (IBSI 3.11, REK0)."""

from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass

from skiagram.arrays import Floats, Whole
from skiagram.compiled.loops import compiled
from skiagram.features.discretisation import MAX_LEVELS, GreyLevels
from skiagram.features.family import TextureFamily, add_parts
from skiagram.features.level_counts import describe_matrices
from skiagram.features.neighbours import Levels, frame, steps_around
from skiagram.strict import STRICT


@compiled
def dependence_counts(framed: Levels, around: Whole, coarseness: int, counts: Whole) -> None:
    """Count the pixels of each level that have each number of dependent pixels around them.

    A pixel depends on another if their levels differ by at most `coarseness`; it depends on itself.

    Args:
        framed: (n, cells) of images in a frame of zeros.
        around: Ascending steps to those around a pixel, and to itself.
        counts: (n, len(around), number), is added to: dependence and level from 1.
    """
    far = around[-1]
    for image in range(len(framed)):
        cells = framed[image]
        centre = cells[far : len(cells) - far]
        dependent = np.zeros(len(centre), dtype=np.uint16)
        for step in around:
            _count_alike(centre, cells[far + step :], np.uint16(coarseness), dependent)
        for place in range(len(centre)):
            if centre[place] > 0:
                counts[image, dependent[place] - 1, centre[place] - 1] += 1


@compiled
def _count_alike(
    centre: Levels, neighbours: Levels, coarseness: np.uint16, dependent: Levels
) -> None:
    for x in range(len(centre)):  # no index but x, so that the compiler makes vectors of it
        apart = max(centre[x], neighbours[x]) - min(centre[x], neighbours[x])
        dependent[x] += np.uint16((neighbours[x] > 0) & (apart <= coarseness))


@dataclass(**STRICT)
class Ngldm(TextureFamily):
    """Neighbouring grey level dependence matrix (IBSI REK0).

    Attributes:
        distance: Chebyshev distance up to which pixels are neighbours, in pixels.
        coarseness: Difference of the levels up to which a neighbour is dependent, in levels.
    """

    distance: Annotated[int, Field(ge=1, le=7)]  # type: ignore[misc]  # by keyword only
    coarseness: Annotated[int, Field(ge=0, lt=MAX_LEVELS)]  # type: ignore[misc]

    prefix: ClassVar[str] = "ngldm"

    def describe(self, grey: GreyLevels) -> Floats:
        framed = frame(self.parts(grey).levels, self.distance)
        around, n = steps_around(framed.shape, self.distance), len(framed)
        counts = np.zeros((n, len(around), grey.number), dtype=np.int64)
        dependence_counts(framed.reshape(n, -1), around, self.coarseness, counts)
        counts = add_parts(counts, grey)
        return describe_matrices(counts, counts.sum(axis=(1, 2)).astype(np.float64))
