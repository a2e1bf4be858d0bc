"""Neighbours of equal grey level, found once for runs, zones and dependences alike.

A pixel is compared with the half of its neighbours that come before it in the image, whole rows at
a time, in vectors of the processor. What comes after visits none but equals. Zones of equal grey
level, connected by sides, edges and corners, are found by union-find; sizes decide which root takes
in the other: Tarjan, J. ACM 22(2), 1975.
"""

import numpy as np
from numpy.typing import NDArray

from skiagram.arrays import Whole
from skiagram.compiled.loops import compiled

Levels = NDArray[np.uint16]  # (n, depth, height, width), from 1; 0 outside the region
Equals = NDArray[np.uint16]
Forest = NDArray[np.int32]

PLANE_WAYS, VOLUME_WAYS = 4, 13
_PLANE = [(0, 0, 1), (0, 1, -1), (0, 1, 0), (0, 1, 1)]
# Slices, rows and columns to half of all neighbours; first those within a plane.
DIRECTIONS = np.array(
    _PLANE + [(1, row, column) for row in (-1, 0, 1) for column in (-1, 0, 1)], dtype=np.int64
)


@compiled
def steps(shape: tuple[int, int, int]) -> Whole:
    """Count how many pixels lie from one to its neighbour in each of 13 directions.

    Args:
        shape: Of an array that is read as one row after the other.
    """
    _, height, width = shape
    apart = np.empty(len(DIRECTIONS), dtype=np.int64)
    for way in range(len(DIRECTIONS)):
        far, down, right = DIRECTIONS[way]
        apart[way] = (far * height + down) * width + right
    return apart


BLOCK = 2**13  # cells worked on at a time, which stay in a processor's cache
_NORTH_EAST, _SOUTH_EAST_BEFORE, _EAST_BEFORE, _NORTH_EAST_BEFORE = 2, 2**4, 2**7, 2**10


@compiled
def equal_neighbours(levels: Levels) -> Equals:
    """Mark with a bit each neighbour before a pixel that has the same level.

    Returns:
        (n, margin + pixels + margin): the bit of a direction is set where the pixel lies in that
        direction from an equal; 0 outside the region and in the margins, which take up every step
        off the image.
    """
    n, depth, height, width = levels.shape
    margin, wide = margin_length((depth, height, width)), width + 2
    equals = np.zeros((n, depth * height * width + 2 * margin), dtype=np.uint16)
    # Zeros around two slices, so that neighbours lie a fixed number of cells before.
    framed = np.zeros((min(depth, 2), (height + 2) * wide), dtype=np.uint16)
    rows = max(1, BLOCK // wide)
    marks = np.empty(rows * wide, dtype=np.uint16)
    # Two slices are held: this one and the one before.
    for image in range(n):
        for z in range(depth):
            cells, before = framed[z & 1], framed[(z & 1) - 1]
            for y in range(height):
                begin = (y + 1) * wide + 1
                copy(levels[image, z, y], cells[begin : begin + width])
            # Rows that fit into the cache together.
            for top in range(0, height, rows):
                count = min(rows, height - top)
                first, last = (top + 1) * wide + 1, (top + 1 + count) * wide - 1
                centre, equal = cells[first:last], marks[: last - first]
                equal[:] = 0
                # Neighbours in the row above, in the slice before, and to the left.
                north = cells[first - wide - 1 : last - wide + 1]
                _mark_three(centre, north, np.int64(_NORTH_EAST), equal)
                if z > 0:
                    north = before[first - wide - 1 : last - wide + 1]
                    south = before[first + wide - 1 : last + wide + 1]
                    _mark_three(centre, south, np.int64(_SOUTH_EAST_BEFORE), equal)
                    middle = before[first - 1 : last + 1]
                    _mark_three(centre, middle, np.int64(_EAST_BEFORE), equal)
                    _mark_three(centre, north, np.int64(_NORTH_EAST_BEFORE), equal)
                _mark_west(centre, cells[first - 1 : last - 1], equal)
                for y in range(count):
                    place = margin + (z * height + top + y) * width
                    copy(equal[y * wide :], equals[image, place : place + width])
    return equals


@compiled
def copy(source: Levels, target: Levels) -> None:
    """Fill the target with as much of the source; quicker to compile than a slice's assignment."""
    for x in range(len(target)):
        target[x] = source[x]


@compiled
def margin_length(shape: tuple[int, int, int]) -> int:
    """Compute the length of each margin, the longest step."""
    depth, height, width = shape
    return width + 1 + (height * width if depth > 1 else 0)


@compiled
def _mark_three(centre: Levels, row: Levels, bit: np.int64, equal: Equals) -> None:
    """Compare with three neighbours in a row; the eastern one has the lowest bit.

    Numba would compile a bit that is no `np.int64`, but a number in the code, as a case of its own.
    """
    for x in range(len(centre)):
        level = centre[x]
        east = np.uint16(row[x + 2] == level) * np.uint16(bit)
        middle = np.uint16(row[x + 1] == level) * np.uint16(2 * bit)
        equal[x] |= np.uint16(east | middle | np.uint16(row[x] == level) * np.uint16(4 * bit))


@compiled
def _mark_west(centre: Levels, west: Levels, equal: Equals) -> None:
    """Compare with the last neighbour, and leave no mark outside the region."""
    for x in range(len(centre)):
        level = centre[x]
        equal[x] = np.uint16(level > 0) * (equal[x] | np.uint16(west[x] == level))


WAY_OF_BIT = np.zeros(2 ** (VOLUME_WAYS - 1) + 1, dtype=np.uint8)
WAY_OF_BIT[2 ** np.arange(VOLUME_WAYS)] = np.arange(VOLUME_WAYS)


def _apart() -> Equals:
    """Choose of each set of equals the few that stand for all: the others touch one of them.

    Returns:
        (2¹³,) by the bits of a set, the bits of those few.
    """
    touching = np.abs(DIRECTIONS[:, None] - DIRECTIONS).max(axis=-1) <= 1
    way = np.arange(VOLUME_WAYS, dtype=np.uint16)[:, None]
    chosen = np.arange(2**VOLUME_WAYS, dtype=np.uint16) >> way & 1 > 0
    first = np.where(chosen, way, VOLUME_WAYS)
    for _ in way:
        near = [first[touching_ways].min(axis=0) for touching_ways in touching]
        first = np.where(chosen, near, VOLUME_WAYS)
    return ((first == way).astype(np.uint16) << way).sum(axis=0, dtype=np.uint16)


_APART = _apart()


@compiled
def zone_forest(levels: Levels, equals: Equals) -> Forest:
    """Find the zones; a pixel has 8 neighbours, a voxel 26.

    Returns:
        (n, pixels): at the root of a zone minus its size, elsewhere the index of a pixel nearer to
        the root; 0 outside the region.
    """
    n, depth, height, width = levels.shape
    apart, margin = steps((depth, height, width)), margin_length((depth, height, width))
    forest = np.empty((n, depth * height * width), dtype=np.int32)
    for image in range(n):
        _grow(levels[image].reshape(-1), equals[image, margin:], apart, forest[image])
    return forest


@compiled
def _grow(levels: Levels, equals: Equals, apart: Whole, tree: Forest) -> None:
    """Join each pixel to the zones of its equals before it, of which those that touch are one.

    The pixels that have any are listed first, without a branch, which a processor would have to
    guess at each pixel.
    """
    # In blocks: first all pixels as zones of their own.
    joined = np.empty(min(BLOCK, len(levels)), dtype=np.int32)
    for begin in range(0, len(levels), BLOCK):
        count = 0
        for place in range(begin, min(begin + BLOCK, len(levels))):
            tree[place] = -np.int32(levels[place] > 0)
            joined[count] = place
            count += equals[place] > 0
        # Each pixel with equal neighbours joins the zone of the first one.
        for place in joined[:count]:
            equal = np.int64(_APART[equals[place]])
            bit = equal & -equal
            zone = _root(tree, place - apart[WAY_OF_BIT[np.uintp(bit)]])
            tree[np.uintp(zone)] -= 1
            tree[place] = zone
            equal ^= bit
            # Zones of its further neighbours become one with it.
            while equal > 0:
                bit = equal & -equal
                other = _root(tree, place - apart[WAY_OF_BIT[np.uintp(bit)]])
                if zone != other:
                    zone = _unite(tree, zone, other)
                equal ^= bit


@compiled
def _unite(tree: Forest, first: int, second: int) -> int:
    """Let the larger zone take in the other; a root holds minus the size. Return the larger."""
    if tree[np.uintp(first)] < tree[np.uintp(second)]:
        first, second = second, first
    tree[np.uintp(second)] += tree[np.uintp(first)]
    tree[np.uintp(first)] = second
    return second


@compiled
def _root(tree: Forest, place: int) -> int:
    """Climb to the root: the first step, which is often all, without a branch."""
    parent = np.int64(tree[np.uintp(place)])  # unsigned, so that no index is tested for a sign
    stays = parent >> 63  # all bits of a root's, none of another's
    place = int((place & stays) | (parent & ~stays))
    parent = np.int64(tree[np.uintp(place)])
    while parent >= 0:
        place = int(parent)
        parent = np.int64(tree[np.uintp(place)])
    return place
