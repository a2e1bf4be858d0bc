"""What an image is in memory: an array, the distances of its voxels, and its region.

The number of axes says what an array is: (height, width) an image of one channel, (height, width,
channels) one of several, (depth, height, width, 1) a volume.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skiagram.arrays import Flags, Floats
from skiagram.errors import DataError, refusal

Image = NDArray[Any]  # (height, width[, channels]), or a volume of (depth, height, width, 1)
WITHOUT_PADDING = (
    "draw the region without these voxels; where a DICOM header calls tissue padding, remove the "
    "tag from the files, for example with `dcmodify -ea '(0028,0120)' FILE`"
)
Spacing = tuple[float, ...]  # of neighbouring slices (volumes alone), rows and columns, mm


def is_volume(image: Image) -> bool:
    """Return whether an array of a store is a volume, (depth, height, width, 1)."""
    return image.ndim == 4


@dataclass(frozen=True)
class Region:
    """The region of interest of an image.

    Attributes:
        inside: (height, width) or (depth, height, width), true where intensities and texture are
            measured; at least one pixel.
        outline: The region as it was drawn, before pixels were left out by their intensity; None
            where none were.
        origin: Coordinates x, y, z of the centre of the first voxel, mm.
        direction: Unit vectors x, y, z of the axes of the array, one after the other.
    """

    inside: Flags
    outline: Flags | None = None
    origin: tuple[float, ...] | None = None
    direction: tuple[float, ...] | None = None

    @property
    def drawn(self) -> Flags:
        """The region as it was drawn."""
        return self.inside if self.outline is None else self.outline


def ends_of(inside: Flags) -> tuple[tuple[int, int], ...]:
    """Return first and last + 1 of what is true along each axis; 0 and 0 where nothing is."""
    ends = []
    for axis in range(inside.ndim):
        others = tuple(other for other in range(inside.ndim) if other != axis)
        held: list[bool] = np.any(inside, axis=others).tolist()
        ends.append((held.index(True), len(held) - held[::-1].index(True)) if any(held) else (0, 0))
        inside = inside[(slice(None),) * axis + (slice(*ends[-1]),)]  # the next looks at less
    return tuple(ends)


def box_around(region: Flags, around: Sequence[int]) -> tuple[slice, ...]:
    """Return the box of a region with as many voxels around it along each axis."""
    sides = zip(ends_of(region), around, strict=True)
    return tuple(slice(max(0, first - more), stop + more) for (first, stop), more in sides)


def complete_beyond(
    image: NDArray[Any],
    region: Flags,
    around: Sequence[int],
    looked_at: tuple[slice, ...],
) -> NDArray[Any]:
    """Return an image whose voxels that are missing far from a region have a value.

    They are those of a scanner's padding, or around an organ that was cut out.

    Args:
        image: (depth, height, width).
        region: Its voxels, of which none may be missing, or infinite: else a DataError.
        around: Voxels around its box along each axis that may not be missing either; empty where
            nothing looks beyond the region.
        looked_at: Box in which an interpolation or a filter still looks: there missing voxels get
            the value of the nearest known one, elsewhere 0, which nobody reads.
    """
    missing = ~np.isfinite(image)
    if not missing.any():
        return image
    if number := int(missing[region].sum()):
        fault = f"{number} voxels of the region are missing (NaN, padding) or infinite"
        remedy = f"fill them first, or {WITHOUT_PADDING}"
        raise DataError(fault, allowed="finite values in the region", remedy=remedy)
    if around and (number := int(missing[box_around(region, around)].sum())):
        raise refusal("base.missing_around", number=number)
    from scipy.ndimage import distance_transform_edt  # long to import, and seldom needed

    completed = np.where(missing, image.dtype.type(0), image)
    nearest = distance_transform_edt(
        missing[looked_at], return_distances=False, return_indices=True
    )
    completed[looked_at] = image[looked_at][tuple(nearest)]
    return completed


# Red, green and blue shares of luminance, Recommendation ITU-R BT.709-6, section 3.
_WEIGHTS = np.array([0.2126, 0.7152, 0.0722])


def luminance(images: NDArray[Any], family: str) -> Floats:
    """Return (n, height, width) float64 of images of one channel, or of red, green and blue."""
    if images.ndim == 3:
        return images.astype(np.float64)
    if images.shape[-1] != len(_WEIGHTS):
        raise refusal("base.other_channels", family=family, channels=images.shape[-1])
    reduced: Floats = images.astype(np.float64) @ _WEIGHTS
    return reduced
