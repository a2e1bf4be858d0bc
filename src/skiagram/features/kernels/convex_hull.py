"""How far a region extends: its convex hull, the hull's diameter and its smallest rectangle."""

import numpy as np
from numpy.typing import NDArray

from skiagram.compiled import compiled

_NOWHERE = 2**62
_ROUNDING = 1e-9


@compiled
def extents(regions: NDArray[np.bool_], spacing: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return diameter, length and width of the outlines.

    Args:
        regions: (n, height, width), at least one pixel each.
        spacing: (n, 2) distance between rows and between columns.

    Returns:
        (n, 3): the largest distance of two points of the outline, and the longer and the shorter
        side of the rectangle of smallest area around it, in any direction; of several the longest.
    """
    found = np.empty((len(regions), 3))
    for image in range(len(regions)):
        hull = convex_hull(regions[image]) * spacing[image]
        found[image, 0] = _diameter(hull)
        found[image, 1], found[image, 2] = _rectangle(hull)
    return found


@compiled
def convex_hull(region: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the corners (row, column) of the convex hull of a region's outline, in turn.

    The outline passes half a pixel from the centres of the outermost pixels (see `mesh`). Andrew,
    Information Processing Letters 9(5), 1979; whole numbers throughout, so that it is exact.

    Args:
        region: (height, width), at least one pixel.
    """
    top, bottom = _profile(region)
    upper, lower = _chain(top), _chain(-bottom)
    corners = np.empty((len(upper) + len(lower), 2), dtype=np.int64)
    corners[: len(upper)] = upper
    corners[len(upper) :, 0] = -lower[::-1, 0]
    corners[len(upper) :, 1] = lower[::-1, 1]
    return corners / 2


@compiled
def _profile(region: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first and the last row of the outline in each column, both in half pixels."""
    height, width = region.shape
    top, bottom = np.full(2 * width + 1, _NOWHERE), np.full(2 * width + 1, -_NOWHERE)
    for y in range(height):
        left, right = width, -1
        for x in range(width):
            if region[y, x]:
                left, right = min(left, x), x
                top[2 * x + 1] = min(top[2 * x + 1], 2 * y)
                bottom[2 * x + 1] = 2 * y + 2
        if right >= 0:
            for side in (2 * left, 2 * right + 2):
                top[side] = min(top[side], 2 * y + 1)
                bottom[side] = max(bottom[side], 2 * y + 1)
    return top, bottom


@compiled
def _chain(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the part of the hull that passes above all points, (m, 2) row and column."""
    chain = np.empty((len(rows), 2), dtype=np.int64)
    used = 0
    for column in range(len(rows)):
        row = rows[column]
        if row == _NOWHERE:
            continue
        while used > 1:
            last, before = chain[used - 1], chain[used - 2]
            turn = (last[1] - before[1]) * (row - before[0])
            if turn > (last[0] - before[0]) * (column - before[1]):
                break
            used -= 1
        chain[used] = row, column
        used += 1
    return chain[:used]


@compiled
def _diameter(hull: NDArray[np.float64]) -> float:
    largest = 0.0
    for first in range(len(hull)):
        for second in range(first):
            apart = hull[first] - hull[second]
            largest = max(largest, apart[0] * apart[0] + apart[1] * apart[1])
    return np.sqrt(largest)


@compiled
def _rectangle(hull: NDArray[np.float64]) -> tuple[float, float]:
    """Return the sides of the smallest rectangle, which has a side in common with the hull.

    Freeman and Shapira, Comm. ACM 18(7), 1975.
    """
    smallest, length, width = np.inf, 0.0, 0.0
    for at in range(len(hull)):
        side = hull[at] - hull[at - 1]
        size = np.sqrt(side[0] * side[0] + side[1] * side[1])
        if size == 0:
            continue
        y, x = side[0] / size, side[1] / size
        along, across = hull[:, 0] * y + hull[:, 1] * x, hull[:, 1] * y - hull[:, 0] * x
        one, other = along.max() - along.min(), across.max() - across.min()
        area, longer = one * other, max(one, other)
        if area < smallest * (1 - _ROUNDING):
            smallest, length, width = area, longer, min(one, other)
        elif area < smallest * (1 + _ROUNDING) and longer > length:
            length, width = longer, min(one, other)
    return length, width
