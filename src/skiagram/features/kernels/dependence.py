"""Dependence of neighbouring grey levels (IBSI reference manual, section 3.11).

Sun and Wee, Computer Vision, Graphics, and Image Processing 23(3), 1983.
"""

import numpy as np
from numpy.typing import NDArray

from skiagram.compiled import compiled


@compiled
def dependence_counts(
    levels: NDArray[np.uint16], number: int, distance: int, coarseness: int
) -> NDArray[np.int64]:
    """Count the pixels of each level that have each number of dependent pixels around them.

    A pixel depends on another at a Chebyshev distance of at most `distance` if their levels differ
    by at most `coarseness`; it depends on itself.

    Args:
        levels: (n, depth, height, width) from 1 to `number`, 0 outside the region.
        number: Number of levels.
        distance: Pixels, from 1 to 7.
        coarseness: Levels, from 0.

    Returns:
        (n, (2 distance + 1)², number): counts of dependence 1, 2, … and level 1, 2, …; the power is
        3 if the depth is over 1.
    """
    n, depth, height, width = levels.shape
    side = 2 * distance + 1
    most = side * side if depth == 1 else side * side * side
    counts = np.zeros((n, most, number), dtype=np.int64)
    dependent = np.empty(width, dtype=np.uint16)
    for image in range(n):
        for z in range(depth):
            for y in range(height):
                dependent[:] = 0
                for slice_ in range(max(z - distance, 0), min(z + distance + 1, depth)):
                    for row in range(max(y - distance, 0), min(y + distance + 1, height)):
                        _count_row(
                            levels[image, z, y],
                            levels[image, slice_, row],
                            distance,
                            coarseness,
                            dependent,
                        )
                for x in range(width):
                    level = levels[image, z, y, x]
                    if level > 0:
                        counts[image, dependent[x] - 1, level - 1] += 1
    return counts


@compiled
def _count_row(
    centre: NDArray[np.uint16],
    around: NDArray[np.uint16],
    distance: int,
    coarseness: int,
    dependent: NDArray[np.uint16],
) -> None:
    """Add to each pixel of a row those of another row that it depends on."""
    width = len(centre)
    for shift in range(-distance, distance + 1):
        first, end = max(-shift, 0), min(width - shift, width)
        if first < end:
            _count_equals(
                centre[first:end],
                around[first + shift : end + shift],
                np.uint16(coarseness),
                dependent[first:end],
            )


@compiled
def _count_equals(
    here: NDArray[np.uint16],
    there: NDArray[np.uint16],
    coarseness: np.uint16,
    dependent: NDArray[np.uint16],
) -> None:
    for x in range(len(here)):  # no index but x, so that the compiler makes vectors of it
        apart = max(here[x], there[x]) - min(here[x], there[x])
        dependent[x] += np.uint16((there[x] > 0) & (apart <= coarseness))
