"""Neighbours in a frame: the loops that all texture families are made of.

Images stand one after the other in memory, each with a frame of zeros around it. So a neighbour
lies a fixed number of cells away, those of a border are outside the region as all zeros are, and
one loop over the cells serves planes and volumes alike.
"""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from skiagram.arrays import Whole
from skiagram.compiled.loops import compiled

Levels = NDArray[np.uint16]  # from 1; 0 outside the region
Forest = NDArray[np.int32]
T = TypeVar("T", np.uint16, np.bool_)

PLANE_WAYS, VOLUME_WAYS = 4, 13
_PLANE = [(0, 0, 1), (0, 1, -1), (0, 1, 0), (0, 1, 1)]
# Slices, rows and columns to half of all neighbours; first those within a plane.
DIRECTIONS = np.array(
    _PLANE + [(1, row, column) for row in (-1, 0, 1) for column in (-1, 0, 1)], dtype=np.int64
)


def frame(images: NDArray[T], margin: int = 1) -> NDArray[T]:
    """Put zeros around each of (n, depth, height, width) images, across slices of volumes alone."""
    deep = margin if images.shape[1] > 1 else 0
    return np.pad(images, ((0, 0), (deep, deep), (margin, margin), (margin, margin)))


def steps(shape: tuple[int, ...], directions: Whole = DIRECTIONS) -> Whole:
    """Count the cells from one to its neighbour in each direction.

    Args:
        shape: (n, depth, height, width) of framed images.
        directions: (k, 3) slices, rows and columns; those across slices are left out of planes.
    """
    within = directions if shape[1] > 1 else directions[directions[:, 0] == 0]
    apart: Whole = within @ np.array([shape[2] * shape[3], shape[3], 1])
    return apart


def steps_around(shape: tuple[int, ...], distance: int) -> Whole:
    """Count the cells to all that lie at a Chebyshev distance of at most `distance`, and to 0."""
    reach = np.arange(-distance, distance + 1)
    around = np.stack(np.meshgrid(reach, reach, reach, indexing="ij"), axis=-1)
    return steps(shape, around.reshape(-1, 3))


# The same, first the neighbour of a volume, then that of a plane, that touches all others.
_MIDDLE = [DIRECTIONS.tolist().index([1, 0, 0]), DIRECTIONS.tolist().index([0, 1, 0])]
MIDDLE_FIRST = np.concatenate([DIRECTIONS[_MIDDLE], np.delete(DIRECTIONS, _MIDDLE, axis=0)])


@compiled
def zone_forest(cells: Levels, apart: Whole) -> Forest:
    """Find the zones of equal grey level by union-find (Tarjan, J. ACM 22(2), 1975).

    Args:
        cells: (m,) of framed images.
        apart: (k,) steps to half of the neighbours, in the order of `MIDDLE_FIRST`.

    Returns:
        (m,): at the root of a zone minus its size, elsewhere the index of a pixel nearer to the
        root; 0 outside the region.
    """
    tree = np.zeros(len(cells), dtype=np.int32)
    for place in range(len(cells)):
        level = cells[place]
        if level == 0:
            continue
        # A zone of its own, which joins those of equal neighbours before it.
        tree[place], zone = -1, place
        for way in range(len(apart)):
            # unsigned, so that no index is tested for being negative
            other = place - apart[way]
            if cells[np.uintp(other)] != level:
                continue
            while tree[np.uintp(other)] >= 0:
                other = np.int64(tree[np.uintp(other)])
            # The larger zone takes in the other.
            if other != zone:
                if tree[np.uintp(other)] < tree[np.uintp(zone)]:
                    zone, other = other, zone
                tree[np.uintp(zone)] += tree[np.uintp(other)]
                tree[np.uintp(other)] = zone
            if way == 0:
                break  # all others touch this one, so equal ones are in its zone
    return tree
