"""Missing pixels filled from the known pixels of the same image.

The window around a missing pixel grows until it holds a known pixel, so holes of any size are
filled in one pass and the order of pixels does not matter.
"""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass
from scipy import ndimage

from skiagram.compute.compiled import compiled
from skiagram.options import STRICT
from skiagram.restoration.contract import Mask, Plane
from skiagram.restoration.medians import gather, median


@dataclass(**STRICT)
class Missing:
    """How missing pixels are filled.

    Attributes:
        method: `local_mean`, `local_median` or `nearest` look around the pixel; `lowest` takes the
            image's least known value, as a viewer shows padding; `training_mean` takes the pixel's
            mean over the development images.
        radius: Radius in pixels of the smallest window, for the local methods.
    """

    method: Literal["local_mean", "local_median", "nearest", "lowest", "training_mean"]
    radius: Annotated[int, Field(ge=1)]

    def fill(self, plane: Plane, missing: Mask, training_mean: Plane | None) -> Plane:
        """Return the plane with its missing pixels filled.

        Args:
            plane: (height, width) float32.
            missing: (height, width); at least one pixel is known.
            training_mean: (height, width) float32, for the method of that name.
        """
        if training_mean is not None:
            return np.where(missing, training_mean, plane)
        if self.method == "local_mean":
            return fill_local_mean(plane, missing, self.radius)
        if self.method == "local_median":
            return fill_local_median(plane, missing, self.radius)
        if self.method == "nearest":
            return fill_nearest(plane, missing)
        return np.where(missing, np.min(plane, where=~missing, initial=np.inf), plane)


def fill_local_mean(plane: Plane, missing: Mask, radius: int) -> Plane:
    """Fill each missing pixel with the mean of the nearest known pixels.

    Args:
        plane: (height, width) float32.
        missing: (height, width); at least one pixel is known.
        radius: Radius in pixels of the window. Where it holds no known pixel, those at the least
            chessboard distance count.
    """
    filled = plane.copy()
    _fill(plane, missing, missing, radius, True, filled)
    return filled


def fill_local_median(
    plane: Plane, missing: Mask, radius: int, *, unknown: Mask | None = None
) -> Plane:
    """Fill each missing pixel with the median of the nearest known pixels.

    Args:
        plane: (height, width) float32.
        missing: (height, width); at least one pixel is known.
        radius: Radius in pixels of the window. Where it holds no known pixel, those at the least
            chessboard distance count.
        unknown: (height, width); pixels that no median is taken of, the missing ones among them.
            None for the missing ones alone.
    """
    filled = plane.copy()
    _fill(plane, missing, missing if unknown is None else unknown, radius, False, filled)
    return filled


def fill_nearest(plane: Plane, missing: Mask) -> Plane:
    """Fill each missing pixel with the known pixel nearest to it.

    Args:
        plane: (height, width) float32.
        missing: (height, width); at least one pixel is known.
    """
    row, column = ndimage.distance_transform_edt(
        missing, return_distances=False, return_indices=True
    )
    filled = plane.copy()
    filled[missing] = plane[row[missing], column[missing]]
    return filled


@compiled
def _fill(
    plane: Plane, missing: Mask, unknown: Mask, radius: int, use_mean: bool, filled: Plane
) -> None:
    height, width = plane.shape
    most = max(height, width)
    values = np.empty(max(min((2 * radius + 1) ** 2, plane.size), 2 * (height + width)), np.float32)
    reached = np.zeros(width + 1, dtype=np.int64)  # of the row above, and to the left of this one
    for row in range(height):
        reached[-1] = 0
        for column in range(width):
            if not missing[row, column]:
                reached[column] = 0
                continue
            # a neighbour's distance to known pixels differs by one at most
            reach = max(reached[column] - 1, reached[column - 1] - 1, radius)
            inner = 0 if reach == radius else reach
            count = gather(plane, unknown, row, column, inner, reach, values)
            while count == 0 and reach < most:
                reach += 1
                count = gather(plane, unknown, row, column, reach, reach, values)
            reached[column] = reach
            if use_mean:
                filled[row, column] = values[:count].astype(np.float64).mean()
            elif count:
                filled[row, column] = median(values[:count])
