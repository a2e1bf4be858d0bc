"""Values of a volume at the points of another grid that is parallel to its own.

The new grid of a resampling (IBSI manual, section 2.4) is aligned with the old one by their centres
(IBSI 3WE3); each axis is interpolated by itself.
"""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import scipy
from numpy.typing import NDArray

from skiagram.arrays import Floats

Interpolation = Literal["nearest", "linear", "cubic"]
REACH = 12  # voxels after which a spline coefficient has lost all influence: 0.27¹² < 10⁻⁶


def new_places(size: int, spacing: float, new_spacing: float) -> Floats:
    """Return the points of a new grid on one axis: as many as cover the old one (IBSI UMPJ).

    They are in voxels of the old grid, whose first centre is 0.
    """
    # A hair below the quotient, lest 0.9 / 0.3 make four points of three.
    number = max(1, int(np.ceil(size * spacing / new_spacing - 1e-6)))
    first = (size - 1) / 2 - (number - 1) / 2 * new_spacing / spacing
    return first + np.arange(float(number)) * (new_spacing / spacing)


def take_nearest(image: NDArray[Any], shape: Sequence[int]) -> NDArray[Any]:
    """Return an image on another grid of the same field of view, by the nearest pixel.

    Args:
        shape: Sides of the new grid, as many as the image has axes.
    """
    # The middle of each new pixel looks up the old grid.
    places = [
        ((np.arange(side) + 0.5) * image_side / side).astype(np.int64)
        for image_side, side in zip(image.shape, shape, strict=True)
    ]
    return image[np.ix_(*places)]


def interpolate(image: NDArray[Any], axes: list[Floats], order: Interpolation) -> Floats:
    """Return an image at the points of another grid; beyond its edge it goes on as it ends.

    Args:
        image: (depth, height, width), finite.
        axes: Of each axis the places of the points, in voxels.
        order: `nearest`; `linear`; `cubic`: a cubic spline through all voxels.

    Returns:
        (len(axes[0]), len(axes[1]), len(axes[2])).
    """
    values = image.astype(np.float64)
    for axis, places in enumerate(axes):
        if np.array_equal(places, np.arange(values.shape[axis])):
            continue
        if order == "cubic":
            values = scipy.ndimage.spline_filter1d(values, 3, axis=axis, mode="mirror")
        size = values.shape[axis]
        inside = np.clip(places, 0, size - 1)
        if order == "nearest":
            index = np.floor(inside + 0.5).astype(np.int64).clip(0, size - 1)
            values = np.take(values, index, axis=axis)
            continue
        # each point is a weighted sum of the two, or four, voxels around it
        base = np.floor(inside).astype(np.int64)
        share = inside - base
        weights = [1 - share, share]
        if order == "cubic":
            weights = [
                (1 - share) ** 3 / 6,
                (4 - 6 * share**2 + 3 * share**3) / 6,
                (1 + 3 * share + 3 * share**2 - 3 * share**3) / 6,
                share**3 / 6,
            ]
            base = base - 1
        shape = [1, 1, 1]
        shape[axis] = -1
        total = np.zeros((*values.shape[:axis], len(places), *values.shape[axis + 1 :]))
        for tap, weight in enumerate(weights):
            index = base + tap
            if order == "cubic":  # the spline's coefficients are mirrored at the edge
                index = np.abs(index)
                index = np.where(index > size - 1, 2 * (size - 1) - index, index)
            index = index.clip(0, size - 1)
            total += np.take(values, index, axis=axis) * weight.reshape(shape)
        values = total
    return values
