"""Feature family `gldzm`: how far from the border the areas of one level are (IBSI 3.9, VMDZ)."""

from typing import ClassVar

import numpy as np
from pydantic.dataclasses import dataclass

from skiagram.arrays import Flags, Floats, Whole
from skiagram.compiled.loops import compiled
from skiagram.features.discretisation import GreyLevels
from skiagram.features.family import TextureFamily, add_parts
from skiagram.features.level_counts import describe_matrices
from skiagram.features.neighbours import Forest, Levels
from skiagram.strict import STRICT


@compiled
def distance_zones(
    levels: Levels, outline: Flags, forest: Forest, number: int
) -> tuple[Whole, Floats]:
    """Count the zones of each distance and level.

    A zone is as far from the border as its nearest pixel: the steps, by sides alone, to the first
    pixel outside the region; the region ends with the image.

    Args:
        levels: (n, depth, height, width), 0 outside the region.
        outline: Of the same shape, the region that borders are measured from.
        forest: Zones of the levels.
        number: Levels.

    Returns:
        (n, farthest, number): counts of distance 1, 2, … and level 1, 2, …; (n,) the pixels of the
        region.
    """
    # No distance is more than half of the shortest side.
    n, depth, height, width = levels.shape
    smallest = min(height, width) if depth == 1 else min(depth, height, width)
    counts = np.zeros((n, (smallest + 1) // 2, number), dtype=np.int64)
    pixels = np.zeros(n)
    distance = np.empty((depth, height, width), dtype=np.uint16)
    tally = np.zeros((counts.shape[1] + 1, number + 1), dtype=np.int64)
    # Steps to the border along rows, then across rows and slices.
    for image in range(n):
        for z in range(depth):
            inner = 0 < z < depth - 1 or depth == 1
            for y in range(height):
                far = min(height, width) if inner and 0 < y < height - 1 else 1
                _spread_along(outline[image, z, y], distance[z, y], far)
        _spread_across(distance)
        flat = distance.reshape(-1)
        pixels[image] = _count(levels[image].reshape(-1), forest[image], flat, tally)
        # Tallies count zones from 1; level 0 is outside.
        for steps in range(counts.shape[1]):
            for level in range(number):
                counts[image, steps, level] = tally[steps + 1, level + 1]
        tally[:] = 0
    return counts, pixels


@compiled
def _spread_along(inside: Flags, distance: Levels, far: int) -> None:
    """Set the steps along a row to a pixel outside the region, at most `far`."""
    # Each run inside the region rises from both of its ends.
    x, width = 0, len(inside)
    while x < width:
        begin = x
        while x < width and inside[x]:
            x += 1
        _rise(distance[begin:x], np.int32(far))
        while x < width and not inside[x]:
            distance[x] = 0
            x += 1


@compiled
def _rise(distance: Levels, far: np.int32) -> None:
    """Set the steps to the nearer end of a run of pixels."""
    length = np.int32(len(distance))
    for x in range(len(distance)):  # in 32 bits, so that the compiler makes vectors of it
        before = np.int32(x)
        nearer = min(np.int32(before + np.int32(1)), np.int32(length - before))
        distance[x] = np.uint16(min(nearer, far))


@compiled
def _spread_across(distance: Levels) -> None:
    """Let no pixel be more than one step farther than those beside it in other rows and slices."""
    depth, height, width = distance.shape
    # Down and up through rows, then through slices.
    for z in range(depth):
        for y in range(1, height):
            _limit(distance[z, y], distance[z, y - 1])
        for y in range(height - 2, -1, -1):
            _limit(distance[z, y], distance[z, y + 1])
    slices = distance.reshape(depth, height * width)
    for z in range(1, depth):
        _limit(slices[z], slices[z - 1])
    for z in range(depth - 2, -1, -1):
        _limit(slices[z], slices[z + 1])


@compiled
def _limit(distance: Levels, neighbour: Levels) -> None:
    """Let no pixel of a row be more than one step farther than its neighbour."""
    for x in range(len(distance)):
        distance[x] = min(distance[x], np.uint16(neighbour[x] + 1))


@compiled
def _count(levels: Levels, forest: Forest, distance: Levels, tally: Whole) -> int:
    """Count the zones of one image; the distances at the roots become those of their zones.

    Args:
        tally: (farthest + 1, number + 1) counts of distance and level, added to; those of distance
            0 and of level 0 mean nothing.

    Returns:
        The pixels of the region.
    """
    # Each zone's root learns the smallest distance of its pixels.
    for place in range(len(levels)):
        steps, above = distance[place], np.int64(forest[place])
        above = np.int64(place) if (above < 0) | (steps == 0) else above
        # Upwards until a pixel knows of one as near, and has told those above it.
        while steps < distance[np.uintp(above)]:
            distance[np.uintp(above)] = steps
            higher = np.int64(forest[np.uintp(above)])
            above = above if higher < 0 else higher
    # Roots stand for their zones.
    pixels, step = 0, tally.shape[1]
    cells = tally.reshape(-1)
    for place in range(len(levels)):
        if levels[place] > 0:
            pixels += 1
            root = np.int64(forest[place]) >> 63  # all bits of a root's, none of another's
            cells[np.uintp((np.int64(distance[place]) & root) * step + levels[place])] += 1
    return pixels


@dataclass(**STRICT)
class Gldzm(TextureFamily):
    """Grey level distance zone matrix (IBSI VMDZ)."""

    prefix: ClassVar[str] = "gldzm"

    def describe(self, grey: GreyLevels) -> Floats:
        apart = self.parts(grey)
        outline = apart.levels > 0 if apart.outline is None else apart.outline
        zones, pixels = distance_zones(apart.levels, outline, apart.zones, apart.number)
        return describe_matrices(add_parts(zones, grey), add_parts(pixels, grey))[
            :, :-1
        ]  # no energy
