"""Zones of equal grey level, connected by sides, edges and corners, by union-find.

Sizes decide which root takes in the other: Tarjan, J. ACM 22(2), 1975.
"""

import numpy as np
from numpy.typing import NDArray

from skiagram.compute.compiled import compiled

NORTH_WEST, NORTH, NORTH_EAST, WEST = 1, 2, 4, 8  # neighbours before a pixel, a bit each
PLANE = 15  # all of them
SLICE = 16  # the first of the nine in the slice before


@compiled
def zone_forest(levels: NDArray[np.uint16]) -> NDArray[np.int32]:
    """Find the zones; a pixel has 8 neighbours, a voxel 26.

    Args:
        levels: (n, depth, height, width) from 1, 0 outside the region; fewer than 2³¹ pixels per
            image.

    Returns:
        (n, pixels): at the root of a zone minus its size, elsewhere the index of a pixel nearer to
        the root; 0 outside the region.
    """
    n, depth, height, width = levels.shape
    forest = np.empty((n, depth * height * width), dtype=np.int32)
    for image in range(n):
        _grow(levels[image], forest[image])
    return forest


@compiled
def _grow(levels: NDArray[np.uint16], tree: NDArray[np.int32]) -> None:
    """Fill the forest: a root holds minus the size of its zone, other pixels hold their parent."""
    depth, height, width = levels.shape
    equals = np.empty(width, dtype=np.uint16)
    for z in range(depth):
        for y in range(height):
            _find_equals(levels, z, y, equals)
            for x in range(width):
                place = (z * height + y) * width + x
                if levels[z, y, x] == 0:
                    tree[place] = 0
                    continue
                tree[place] = -1
                if equals[x] & PLANE:
                    _join_plane(tree, place, equals[x], width)
                if equals[x] > PLANE:
                    _join_slice(tree, place, equals[x], height, width)


@compiled
def _find_equals(levels: NDArray[np.uint16], z: int, y: int, equals: NDArray[np.uint16]) -> None:
    """Mark with a bit each earlier neighbour of a row's pixels that has the same level.

    Whole rows are compared at a time, in vectors; the search in the forest then visits none but
    equals, which makes it three times faster.
    """
    height = levels.shape[1]
    row = levels[z, y]
    equals[:] = 0
    _mark(row[1:], row[:-1], WEST, equals[1:])
    if y > 0:
        _mark_row(row, levels[z, y - 1], NORTH_WEST, equals)
    if z > 0:
        for shift in range(max(-1, -y), min(2, height - y)):
            _mark_row(row, levels[z - 1, y + shift], SLICE << (3 * (shift + 1)), equals)


@compiled
def _mark_row(
    row: NDArray[np.uint16], other: NDArray[np.uint16], bit: int, equals: NDArray[np.uint16]
) -> None:
    """Mark the three neighbours in another row, by three bits from the given one."""
    _mark(row[1:], other[:-1], bit, equals[1:])
    _mark(row, other, bit << 1, equals)
    _mark(row[:-1], other[1:], bit << 2, equals[:-1])


@compiled
def _mark(
    row: NDArray[np.uint16], other: NDArray[np.uint16], bit: int, equals: NDArray[np.uint16]
) -> None:
    for x in range(len(row)):
        equals[x] |= np.uint16(row[x] == other[x]) * np.uint16(bit)


@compiled
def _join_plane(tree: NDArray[np.int32], place: int, equals: int, width: int) -> None:
    """Join a pixel to the zones of its equals before it, of which those side by side are one."""
    if equals & NORTH:
        _join(tree, place, place - width)
        return
    if equals & NORTH_EAST:
        _join(tree, place, place - width + 1)
    if equals & WEST:
        _join(tree, place, place - 1)
    elif equals & NORTH_WEST:
        _join(tree, place, place - width - 1)


@compiled
def _join_slice(tree: NDArray[np.int32], place: int, equals: int, height: int, width: int) -> None:
    """Join a voxel to the zones of its equals in the slice before it."""
    for neighbour in range(9):
        if equals & (SLICE << neighbour):
            shift = (neighbour // 3 - 1) * width + neighbour % 3 - 1
            _join(tree, place, place - height * width + shift)


@compiled
def _join(tree: NDArray[np.int32], place: int, other: int) -> None:
    first, second = _root(tree, place), _root(tree, other)
    if first == second:
        return
    if tree[np.uintp(first)] < tree[np.uintp(second)]:  # minus sizes: the larger takes the smaller
        first, second = second, first
    tree[np.uintp(second)] += tree[np.uintp(first)]
    tree[np.uintp(first)] = second


@compiled
def _root(tree: NDArray[np.int32], place: int) -> int:
    parent = tree[np.uintp(place)]  # unsigned, so that no index is tested for being negative
    while parent >= 0:
        place = parent
        parent = tree[np.uintp(place)]
    return place
