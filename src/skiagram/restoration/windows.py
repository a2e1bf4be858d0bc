"""Medians in square windows, vectorised; a window of radius r is 2r + 1 pixels wide."""

import numpy as np
from numpy.typing import NDArray

from skiagram.restoration.contract import Mask, Plane

_STRIP_VALUES = 2**22


def local_median(plane: Plane, radius: int) -> Plane:
    """Return the median around each pixel; beyond its border the image is mirrored.

    Args:
        plane: (height, width) float32, finite.
        radius: Window radius in pixels, ≥ 1.

    Returns:
        (height, width) float32; equal to `scipy.ndimage.median_filter(mode="mirror")`, several
        times as fast, because NumPy selects with vector instructions.
    """
    side = 2 * radius + 1
    padded = np.pad(plane, radius, mode="reflect")
    medians = np.empty_like(plane)
    height, width = plane.shape
    strip = max(1, _STRIP_VALUES // (width * side**2))
    for top in range(0, height, strip):
        rows = padded[top : top + strip + 2 * radius]
        windows = np.lib.stride_tricks.sliding_window_view(rows, (side, side))
        values = windows.copy().reshape(-1, side**2)
        values.partition(side**2 // 2, axis=1)
        medians[top : top + strip] = values[:, side**2 // 2].reshape(-1, width)
    return medians


class Surroundings:
    """The valid pixels around any pixel of one plane.

    Args:
        plane: (height, width) float32.
        valid: (height, width); the other pixels, and all beyond the border, take no part.
        reach: Largest offset that will be asked for, pixels.
    """

    def __init__(self, plane: Plane, valid: Mask, reach: int) -> None:
        known = np.where(valid, plane, np.float32(np.nan))
        padded = np.pad(known, reach, constant_values=np.nan)
        self._values = padded.ravel()
        self._strides = np.array([padded.shape[1], 1])
        self._reach = reach

    def median(self, pixels: NDArray[np.intp], offsets: NDArray[np.intp]) -> Plane:
        """Return the median around some pixels.

        Args:
            pixels: (n, 2) rows and columns.
            offsets: (k, 2) neighbours, relative to each pixel.

        Returns:
            (n,) float32; NaN where no neighbour is valid.
        """
        centre = (pixels + self._reach) @ self._strides
        neighbour = offsets @ self._strides
        medians = np.empty(len(pixels), dtype=np.float32)
        chunk = max(1, _STRIP_VALUES // len(offsets))
        for first in range(0, len(pixels), chunk):
            values = self._values[centre[first : first + chunk, None] + neighbour]
            values.sort(axis=1)  # NaN comes last
            count = np.count_nonzero(~np.isnan(values), axis=1)
            each = np.arange(len(values))
            lower = values[each, np.maximum(count - 1, 0) // 2]
            upper = values[each, count // 2]
            medians[first : first + chunk] = lower + (upper - lower) / 2
        return medians


def square(radius: int, *, beyond: int = 0) -> NDArray[np.intp]:
    """Return the offsets of a window, row by row.

    Args:
        radius: Window radius in pixels.
        beyond: Leaves out offsets nearer than this chessboard distance.

    Returns:
        (k, 2) rows and columns.
    """
    axis = np.arange(-radius, radius + 1)
    row, column = np.meshgrid(axis, axis, indexing="ij")
    keep = np.maximum(abs(row), abs(column)) >= beyond
    return np.stack([row[keep], column[keep]], axis=1)
