"""Missing pixels filled from the known pixels of the same image.

The window around a missing pixel grows until it holds a known pixel, so holes of any size are
filled in one pass and the order of pixels does not matter. Padding around the picture is no hole.
"""

from typing import Literal

import numpy as np
from pydantic.dataclasses import dataclass
from scipy import ndimage

from skiagram.arrays import Flags, Singles
from skiagram.compiled.loops import compiled
from skiagram.strict import STRICT, OneOrMore

Plane = Singles  # (height, width[, channels]), of volumes (depth, height, width, 1)
Planes = Singles  # (n, height, width)
Mask = Flags  # as a plane
_WIDEST_GAP = 4  # pixels of missing ones side by side at the edge; more are padding


@dataclass(**STRICT)
class Missing:
    """How missing pixels are filled.

    Attributes:
        method: `local_mean`, `local_median` or `nearest` look around the pixel, and padding is
            dark; `lowest` makes every missing pixel dark, as a viewer shows padding;
            `training_mean` takes the pixel's mean over the development images.
        radius: Radius in pixels of the smallest window, for the local methods.
    """

    method: Literal["local_mean", "local_median", "nearest", "lowest", "training_mean"]
    radius: OneOrMore

    def fill(self, plane: Plane, missing: Mask, dark: float, training_mean: Plane | None) -> Plane:
        """Return the plane with its missing pixels filled.

        Args:
            missing: Not all of the plane, but for the method `lowest`.
            dark: Value of padding.
        """
        # The mean of training images, or one dark value.
        if training_mean is not None:
            return np.where(missing, training_mean, plane)
        if self.method == "lowest":
            return np.where(missing, np.float32(dark), plane)
        # No picture was there, so none is made up from what lies beside it.
        padding = find_padding(missing)
        gaps = missing & ~padding
        if self.method == "nearest":
            row, column = ndimage.distance_transform_edt(
                missing, return_distances=False, return_indices=True
            )
            filled = plane.copy()
            filled[gaps] = plane[row[gaps], column[gaps]]
        else:
            use_mean = self.method == "local_mean"
            filled = fill_locally(plane, gaps, self.radius, unknown=missing, use_mean=use_mean)
        filled[padding] = dark
        return filled


def find_padding(missing: Mask) -> Mask:
    """Find which missing pixels of a plane lie beside the picture, and are no gaps in it.

    Devices say so of what surrounds a round field of view, or a breast (DICOM PS3.3 C.7.5.1.1.2).
    They are joined to the edge of the image, and wider than dead pixels and lines are.
    """
    wide = ndimage.binary_erosion(missing, np.ones((_WIDEST_GAP + 1, _WIDEST_GAP + 1)))
    if not wide.any():
        return np.zeros_like(missing)
    parts, _ = ndimage.label(missing)
    at_edge = np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]])
    padded = np.intersect1d(parts[wide], at_edge)
    return np.isin(parts, padded[padded > 0])


def fill_locally(
    plane: Plane,
    missing: Mask,
    radius: int,
    *,
    unknown: Mask | None = None,
    use_mean: bool = False,
) -> Plane:
    """Fill each missing pixel, not all of the plane, with the median of the nearest known pixels.

    They are those in a window of a radius, or if it holds none those at the least chessboard
    distance.

    Args:
        unknown: Pixels that no median is taken of, the missing ones among them; None for those
            alone.
        use_mean: Whether it is the mean in place of the median.
    """
    filled = plane.copy()
    _fill(plane, missing, missing if unknown is None else unknown, radius, use_mean, filled)
    return filled


@compiled
def _fill(
    plane: Plane, missing: Mask, unknown: Mask, radius: int, use_mean: bool, filled: Plane
) -> None:
    """Fill each missing pixel from the square around it, which grows until a pixel in it is known.

    Args:
        plane: (height, width).
        missing: Which are filled.
        unknown: Which nothing is taken from.
        radius: Of the square, at least.
        use_mean: Whether it is the mean in place of the median.
        filled: Is set where pixels are missing.
    """
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
            # Of a larger square its border alone: within it no pixel is known.
            inner = 0 if reach == radius else reach
            count = gather(plane, unknown, row, column, inner, reach, values)
            while count == 0 and reach < most:
                reach += 1
                count = gather(plane, unknown, row, column, reach, reach, values)
            reached[column] = reach
            if use_mean:
                filled[row, column] = values[:count].astype(np.float64).mean()
            elif count:
                filled[row, column] = np.float32(np.median(values[:count]))


@compiled
def gather(
    plane: Plane,
    left_out: Mask,
    row: int,
    column: int,
    inner: int,
    outer: int,
    values: Singles,
) -> int:
    """Collect the pixels around one pixel, without those left out; return how many there are.

    Args:
        plane: (height, width).
        left_out: Which do not count.
        row: Of the pixel.
        column: Of the pixel.
        inner: From which distance on pixels count, along rows and columns; 0 for all.
        outer: Up to which.
        values: Is filled from its first place on.
    """
    height, width = plane.shape
    count = 0
    for y in range(max(row - outer, 0), min(row + outer + 1, height)):
        x, stop = max(column - outer, 0), min(column + outer + 1, width)
        hollow = abs(y - row) < inner
        while x < stop:
            # The hole in the middle is passed at once.
            if hollow and abs(x - column) < inner:
                x = column + inner
                continue
            if not left_out[y, x]:
                values[count] = plane[y, x]
                count += 1
            x += 1
    return count
