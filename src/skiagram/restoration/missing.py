"""Missing pixels filled from the known pixels of the same image.

The window around a missing pixel grows until it holds a known pixel, so holes of any size are
filled in one pass and the order of pixels does not matter.
"""

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass
from scipy import ndimage

from skiagram.options import STRICT
from skiagram.restoration.contract import Mask, Plane
from skiagram.restoration.windows import Surroundings, square


@dataclass(**STRICT)
class Missing:
    """How missing pixels are filled.

    Attributes:
        method: `local_mean`, `local_median` or `nearest` look at the image alone; `training_mean`
            takes the pixel's mean over the development images.
        radius: Radius in pixels of the smallest window, for the local methods.
    """

    method: Literal["local_mean", "local_median", "nearest", "training_mean"]
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
        return fill_nearest(plane, missing)


def fill_local_mean(plane: Plane, missing: Mask, radius: int) -> Plane:
    """Fill each missing pixel with the mean of the known pixels in its window.

    Sums come from integral images, so the cost does not depend on the size of the holes.

    Args:
        plane: (height, width) float32.
        missing: (height, width); at least one pixel is known.
        radius: Radius in pixels of the smallest window.
    """
    at = np.argwhere(missing)
    reach = np.maximum(_distance(missing), radius)[:, None]
    start = np.maximum(at - reach, 0)
    stop = np.minimum(at + reach + 1, plane.shape)
    origin = float(plane[~missing][0])  # sums of small numbers lose fewer digits
    known = np.where(missing, 0.0, plane.astype(np.float64) - origin)
    mean = _box_sums(known, start, stop) / _box_sums(~missing, start, stop)
    filled = plane.copy()
    filled[missing] = mean + origin
    return filled


def fill_local_median(plane: Plane, missing: Mask, radius: int) -> Plane:
    """Fill each missing pixel with the median of the known pixels in its window.

    Args:
        plane: (height, width) float32.
        missing: (height, width); at least one pixel is known.
        radius: Radius in pixels of the smallest window.
    """
    at = np.argwhere(missing)
    distance = _distance(missing)
    around = Surroundings(plane, ~missing, max(int(distance.max(initial=0)), radius))
    values = np.empty(len(at), dtype=np.float32)
    for step in np.unique(distance):
        group = distance == step
        offsets = square(max(int(step), radius), beyond=int(step))
        values[group] = around.median(at[group], offsets)
    filled = plane.copy()
    filled[missing] = values
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
    filled: Plane = plane[row, column]
    return filled


def _distance(missing: Mask) -> NDArray[np.int32]:
    """Return each missing pixel's chessboard distance to a known one: the smallest radius."""
    distance: NDArray[np.int32] = ndimage.distance_transform_cdt(missing, metric="chessboard")
    return distance[missing]


def _box_sums(
    values: NDArray[np.float64] | Mask, start: NDArray[np.intp], stop: NDArray[np.intp]
) -> NDArray[np.float64]:
    integral = np.zeros((values.shape[0] + 1, values.shape[1] + 1))
    integral[1:, 1:] = values.cumsum(axis=0, dtype=np.float64).cumsum(axis=1)
    (top, left), (bottom, right) = start.T, stop.T
    sums: NDArray[np.float64] = (
        integral[bottom, right]
        - integral[top, right]
        - integral[bottom, left]
        + integral[top, left]
    )
    return sums
