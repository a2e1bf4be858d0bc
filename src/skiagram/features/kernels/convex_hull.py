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
        hull = convex_hull(regions[image])
        for corner in range(len(hull)):
            hull[corner, 0] *= spacing[image, 0]
            hull[corner, 1] *= spacing[image, 1]
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
    above, below = np.empty((len(top), 2)), np.empty((len(top), 2))
    n_above, n_below = _chain(top, 1, above), _chain(bottom, -1, below)
    hull = np.empty((n_above + n_below, 2))
    for corner in range(n_above):
        hull[corner, 0], hull[corner, 1] = above[corner, 0], above[corner, 1]
    for corner in range(n_below):
        back = n_below - 1 - corner
        hull[n_above + corner, 0], hull[n_above + corner, 1] = below[back, 0], below[back, 1]
    return hull


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
def _chain(rows: NDArray[np.int64], sign: int, chain: NDArray[np.float64]) -> int:
    """Fill in the corners (row, column) of one side of the hull, in pixels; return their number.

    The side passes above all points where the sign is 1, and below them where it is −1.
    """
    kept = np.empty((len(rows), 2), dtype=np.int64)
    used = 0
    for column in range(len(rows)):
        row = sign * rows[column]
        if row == _NOWHERE:
            continue
        while used > 1:
            turn = (kept[used - 1, 1] - kept[used - 2, 1]) * (row - kept[used - 2, 0])
            straight = (kept[used - 1, 0] - kept[used - 2, 0]) * (column - kept[used - 2, 1])
            if turn > straight:
                break
            used -= 1
        kept[used, 0], kept[used, 1] = row, column
        used += 1
    for corner in range(used):
        chain[corner, 0], chain[corner, 1] = sign * kept[corner, 0] / 2, kept[corner, 1] / 2
    return used


@compiled
def _diameter(hull: NDArray[np.float64]) -> float:
    largest = 0.0
    for first in range(len(hull)):
        for second in range(first):
            y = hull[first, 0] - hull[second, 0]
            x = hull[first, 1] - hull[second, 1]
            largest = max(largest, y * y + x * x)
    return np.sqrt(largest)


@compiled
def _rectangle(hull: NDArray[np.float64]) -> tuple[float, float]:
    """Return the sides of the smallest rectangle, which has a side in common with the hull.

    Freeman and Shapira, Comm. ACM 18(7), 1975.
    """
    smallest, length, width = np.inf, 0.0, 0.0
    for at in range(len(hull)):
        y, x = hull[at, 0] - hull[at - 1, 0], hull[at, 1] - hull[at - 1, 1]
        size = np.sqrt(y * y + x * x)
        if size == 0:
            continue
        one = _breadth(hull, y / size, x / size)
        other = _breadth(hull, -x / size, y / size)
        area, longer = one * other, max(one, other)
        if area < smallest * (1 - _ROUNDING):
            smallest, length, width = area, longer, min(one, other)
        elif area < smallest * (1 + _ROUNDING) and longer > length:
            length, width = longer, min(one, other)
    return length, width


@compiled
def _breadth(hull: NDArray[np.float64], y: float, x: float) -> float:
    """Return how far the hull extends along a direction of length 1."""
    least, most = np.inf, -np.inf
    for corner in range(len(hull)):
        place = hull[corner, 0] * y + hull[corner, 1] * x
        least, most = min(least, place), max(most, place)
    return most - least
