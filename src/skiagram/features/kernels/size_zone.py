"""Zones of equal grey level, by union-find (IBSI reference manual, section 3.8).

Zones are counted sparsely. Zones of distinct (size, level) fill an image soonest when every level
has the sizes 1, 2, …, so P pixels of L levels hold at most √(2PL) + L distinct ones: no matrix of
sizes by levels is made.
"""

import numpy as np
from numpy.typing import NDArray

from skiagram.compiled import compiled

WEST, NORTH, NORTH_WEST, NORTH_EAST = 1, 2, 4, 8  # neighbours before a pixel, a bit each
PLANE = 15  # all of them
SLICE = 16  # the first of the nine in the slice before


@compiled
def size_zones(levels: NDArray[np.uint16], number: int) -> NDArray[np.int64]:
    """Count the zones of each size and level; a pixel has 8 neighbours, a voxel 26.

    Args:
        levels: (n, depth, height, width) from 1 to `number`, 0 outside the region; fewer than 2³¹
            pixels an image.
        number: Number of levels.

    Returns:
        (4, m): image, size, level and how many, in the order of image, size and level.
    """
    n, depth, height, width = levels.shape
    pixels = depth * height * width
    small = int(np.sqrt(pixels))  # zones up to this size are tallied; the larger ones are few
    tally = np.zeros((small + 1, number + 1), dtype=np.int64)
    large = np.empty(pixels // (small + 1), dtype=np.int64)
    tree = np.empty(pixels, dtype=np.int32)
    distinct = min(pixels, int(np.sqrt(2.0 * pixels * number)) + number + 1)
    entries = np.empty((4, n * distinct), dtype=np.int64)
    used = 0
    for image in range(n):
        _grow(levels[image], tree)
        n_large = _tally(levels[image].ravel(), tree, tally, large)
        used = _collect_small(image, tally, entries, used)
        large[:n_large].sort()
        used = _collect_large(image, large[:n_large], number, entries, used)
    return entries[:, :used]


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
        _mark(row, levels[z, y - 1], NORTH, equals)
        _mark(row[1:], levels[z, y - 1, :-1], NORTH_WEST, equals[1:])
        _mark(row[:-1], levels[z, y - 1, 1:], NORTH_EAST, equals[:-1])
    if z > 0:
        for shift in range(max(-1, -y), min(2, height - y)):
            below, bit = levels[z - 1, y + shift], SLICE << (3 * (shift + 1))
            _mark(row[1:], below[:-1], bit, equals[1:])
            _mark(row, below, bit << 1, equals)
            _mark(row[:-1], below[1:], bit << 2, equals[:-1])


@compiled
def _mark(
    row: NDArray[np.uint16], other: NDArray[np.uint16], bit: int, equals: NDArray[np.uint16]
) -> None:
    for x in range(len(row)):
        equals[x] |= np.uint16(row[x] == other[x]) * np.uint16(bit)


@compiled
def _join_plane(tree: NDArray[np.int32], place: int, equals: int, width: int) -> None:
    """Join a pixel to the zones of its equals before it; equals side by side are one zone yet."""
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


@compiled
def _tally(
    levels: NDArray[np.uint16],
    tree: NDArray[np.int32],
    tally: NDArray[np.int64],
    large: NDArray[np.int64],
) -> int:
    """Count small zones in `tally`, list large ones as one number each; return how many."""
    small, number = tally.shape[0] - 1, tally.shape[1] - 1
    n_large = 0
    for place in range(len(levels)):
        size = -tree[place]
        if size > small:
            large[n_large] = size * (number + 1) + levels[place]
            n_large += 1
        elif size > 0:
            tally[size, levels[place]] += 1
    return n_large


@compiled
def _collect_small(
    image: int, tally: NDArray[np.int64], entries: NDArray[np.int64], used: int
) -> int:
    """Move what is tallied to the entries, which leaves the tally empty for the next image."""
    for size in range(1, tally.shape[0]):
        for level in range(1, tally.shape[1]):
            if tally[size, level] > 0:
                entries[:, used] = (image, size, level, tally[size, level])
                tally[size, level] = 0
                used += 1
    return used


@compiled
def _collect_large(
    image: int, large: NDArray[np.int64], number: int, entries: NDArray[np.int64], used: int
) -> int:
    for position in range(len(large)):
        if position > 0 and large[position] == large[position - 1]:
            entries[3, used - 1] += 1
        else:
            size, level = divmod(large[position], number + 1)
            entries[:, used] = (image, size, level, 1)
            used += 1
    return used
