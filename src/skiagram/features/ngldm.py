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
from skiagram.features.neighbours import BLOCK, Levels, copy
from skiagram.strict import STRICT


@compiled
def dependence_counts(levels: Levels, number: int, distance: int, coarseness: int) -> Whole:
    """Count the pixels of each level that have each number of dependent pixels around them.

    A pixel depends on another at a Chebyshev distance of at most `distance` if their levels differ
    by at most `coarseness`; it depends on itself.

    Args:
        levels: (n, depth, height, width), 0 outside the region.
        number: Levels.
        distance: Pixels, from 1 to 7.
        coarseness: Levels.

    Returns:
        (n, (2 distance + 1)², number): counts of dependence 1, 2, … and level 1, 2, …; the power is
        3 if the depth is over 1.
    """
    # As many dependent pixels as the square or cube holds.
    n, depth, height, width = levels.shape
    side = 2 * distance + 1
    most = side * side if depth == 1 else side * side * side
    counts = np.zeros((n, most, number), dtype=np.int64)
    far = 0 if depth == 1 else distance
    # Zeros around each slice, so that neighbours lie a fixed number of cells away.
    wide = width + 2 * distance
    framed = np.zeros((depth + 2 * far, height + 2 * distance, wide), dtype=np.uint16)
    cells = framed.reshape(-1)
    rows = max(1, BLOCK // wide)
    dependent = np.empty(rows * wide, dtype=np.uint16)
    # The image in its frame of zeros.
    for image in range(n):
        for z in range(depth):
            for y in range(height):
                row = framed[far + z, distance + y]
                copy(levels[image, z, y], row[distance : distance + width])
        # Rows together: how many around depend on each pixel.
        for z in range(far, far + depth):
            for y in range(distance, distance + height, rows):
                first = (z * (height + 2 * distance) + y) * wide + distance
                last = first + min(rows, distance + height - y) * wide - 2 * distance
                some = dependent[: last - first]
                _depend(
                    cells, first, (height + 2 * distance, wide), (far, distance), coarseness, some
                )
                # Counted by level and by number.
                for x in range(len(some)):
                    level = cells[first + x]
                    if level > 0:
                        counts[image, some[x] - 1, level - 1] += 1
    return counts


@compiled
def _depend(
    cells: Levels,
    first: int,
    shape: tuple[int, int],
    reach: tuple[int, int],
    coarseness: int,
    dependent: Levels,
) -> None:
    """Count for each of some cells in turn those around that it depends on.

    Args:
        cells: The framed volume, one row after the other.
        first: Place of the first cell.
        shape: Height and width of the frame.
        reach: Slices and pixels to either side.
        coarseness: Levels by which dependent ones may differ.
        dependent: Is set.
    """
    height, width = shape
    far, distance = reach
    last = first + len(dependent)
    dependent[:] = 0
    # Every shift moves all cells at once: neighbours lie a fixed number of cells away.
    for z in range(-far, far + 1):
        for y in range(-distance, distance + 1):
            for x in range(-distance, distance + 1):
                shift = (z * height + y) * width + x
                neighbours = cells[first + shift : last + shift]
                _count_equals(cells[first:last], neighbours, np.uint16(coarseness), dependent)


@compiled
def _count_equals(
    centre: Levels, neighbours: Levels, coarseness: np.uint16, dependent: Levels
) -> None:
    """Add 1 where a neighbour is in the region and about as high."""
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
        apart = self.parts(grey).levels
        counts = dependence_counts(apart, grey.number, self.distance, self.coarseness)
        counts = add_parts(counts, grey)
        return describe_matrices(counts, counts.sum(axis=(1, 2)).astype(np.float64))
