"""The box around a region of interest, and voxels that are missing beyond it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from skiagram.errors import DataError
from skiagram.image_store.shards import ends_of


def box_around(region: NDArray[np.bool_], around: Sequence[int]) -> tuple[slice, ...]:
    """Return the box of a region with as many voxels around it along each axis."""
    sides = zip(ends_of(region), around, strict=True)
    return tuple(slice(max(0, first - more), stop + more) for (first, stop), more in sides)


def complete_beyond(
    image: NDArray[Any],
    counting: tuple[slice, ...] | NDArray[np.bool_],
    looked_at: tuple[slice, ...],
) -> NDArray[Any]:
    """Return an image whose voxels that are missing far from a region have a value.

    They are those of a scanner's padding, or around an organ that was cut out.

    Args:
        image: (depth, height, width).
        counting: Voxels of which none may be missing, or infinite: else a DataError.
        looked_at: Box in which an interpolation or a filter still looks: there missing voxels get
            the value of the nearest known one, elsewhere 0, which nobody reads.
    """
    missing = ~np.isfinite(image)
    if not missing.any():
        return image
    number = int(missing[counting].sum())
    if number and isinstance(counting, np.ndarray):
        fault = f"{number} voxels in the region are missing (NaN, padding) or infinite"
        remedy = "fill them first, or draw the region without them"
        raise DataError(fault, allowed="finite values in the region", remedy=remedy)
    if number:
        raise DataError(
            f"{number} voxels in the region or near it are missing (NaN, padding) or infinite",
            allowed="finite values in the region's box and the margin that is kept around it",
            remedy="fill them first, keep a smaller margin, or leave out filters and resampling",
        )
    completed = np.where(missing, image.dtype.type(0), image)
    nearest = distance_transform_edt(
        missing[looked_at], return_distances=False, return_indices=True
    )
    completed[looked_at] = image[looked_at][tuple(nearest)]
    return completed
