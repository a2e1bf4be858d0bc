"""Places that mean the same on breasts of different size, so that they can be carried over."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class BreastPlace:
    """A place relative to one breast.

    Attributes:
        height: From the top of the mask (0) to its bottom (1).
        depth: From the chest wall (0) to the far edge of the mask (1), in the place's row.
    """

    height: float
    depth: float


def relative_place(mask: NDArray[np.bool_], row: int, column: int) -> BreastPlace | None:
    """Express a pixel relative to the breast.

    Args:
        mask: (height, width) bool, chest wall on the left.
        row: Row of the pixel.
        column: Column of the pixel.

    Returns:
        The place, or None outside the mask.
    """
    if not mask[row, column]:
        return None
    top, bottom = _extent(np.flatnonzero(mask.any(axis=1)))
    wall, edge = _extent(np.flatnonzero(mask[row]))
    return BreastPlace((row - top) / max(bottom - top, 1), (column - wall) / max(edge - wall, 1))


def pixel_at(mask: NDArray[np.bool_], place: BreastPlace) -> tuple[int, int]:
    """Return row and column of a relative place on another breast.

    Args:
        mask: (height, width) bool, not empty and connected, chest wall on the left.
        place: The place.
    """
    top, bottom = _extent(np.flatnonzero(mask.any(axis=1)))
    row = round(top + place.height * (bottom - top))
    wall, edge = _extent(np.flatnonzero(mask[row]))
    return row, round(wall + place.depth * (edge - wall))


def _extent(filled: NDArray[np.intp]) -> tuple[int, int]:
    return int(filled[0]), int(filled[-1])
