"""Hot and dead pixels, dead rows and columns: found by robust residuals, replaced by medians."""

import math
from typing import NamedTuple

import numpy as np
from pydantic.dataclasses import dataclass
from scipy import ndimage

from skiagram.arrays import Singles
from skiagram.compiled.loops import compiled
from skiagram.restoration.missing import Mask, Plane, fill_locally, gather
from skiagram.strict import STRICT, AboveZero, OneOrMore

_MEDIAN_TO_DEVIATION = 1.4826  # for normal residuals
_SHORTEST_LINE = 8  # known pixels; fewer are equal by chance
_LANES = 512  # pixels whose windows are sorted side by side


class FaultyPixels(NamedTuple):
    """Where an image is not to be believed; `pixels` (height, width) hold those on dead lines."""

    pixels: Mask
    lines: int  # dead rows and columns


@dataclass(**STRICT)
class Outliers:
    """How outlying pixels are found: by a robust z, the residual over its MAD deviation.

    Attributes:
        threshold: Residual from the local median that makes an outlier, in robust standard
            deviations of the residuals (1.4826 times their median absolute value).
        radius: Radius in pixels of the median's window; it also is the thickest run of dead lines
            that is recognised.
    """

    threshold: AboveZero
    radius: OneOrMore

    def replace(self, plane: Plane, missing: Mask) -> tuple[Plane, FaultyPixels]:
        """Return the plane with outliers replaced by the median of the sound pixels around them."""
        faults = self.find(plane, missing)
        if not faults.pixels.any():
            return plane, faults
        unknown = faults.pixels | missing
        return fill_locally(plane, faults.pixels, self.radius, unknown=unknown), faults

    def find(self, plane: Plane, missing: Mask) -> FaultyPixels:
        """Find outlying pixels and dead lines.

        A pixel is outlying when its residual exceeds the threshold both in the whole image and
        among its neighbours; the second test spares edges and fine structure. Pixels that were
        missing, and so filled, prove nothing.
        """
        # How far each pixel lies from the median around it.
        residual = local_median(plane, self.radius)
        np.abs(np.subtract(plane, residual, out=residual), out=residual)
        # The deviation that the median absolute residual stands for. Where more than half of the
        # residuals are 0, as on a plain background, their mean takes the median's place; for normal
        # residuals √(π/2) times it is the deviation.
        deviation = _MEDIAN_TO_DEVIATION * float(
            np.median(residual[~missing], overwrite_input=True)
        )
        if not deviation > 0:
            mean = float(residual.mean(dtype=np.float64, where=~missing))
            deviation = math.sqrt(math.pi / 2) * mean
        limit = self.threshold * deviation
        # Pixels that stand out, and lines of one value.
        pixels = _standing_out(residual, missing, limit, self.threshold, self.radius)
        rows, columns = (
            _dead_lines(plane, missing, residual, axis, self.radius) for axis in (1, 0)
        )
        pixels |= rows[:, None]
        pixels |= columns
        return FaultyPixels(pixels, int(rows.sum() + columns.sum()))


@compiled
def _standing_out(
    residual: Plane, missing: Mask, limit: float, threshold: float, radius: int
) -> Mask:
    """Tell which pixels are far from their surroundings, and their neighbours are not.

    Args:
        residual: (height, width) how far pixels are from their surroundings.
        missing: Which have none.
        limit: Least residual of an outlier.
        threshold: Deviations of the residuals around it that an outlier exceeds.
        radius: Of the square around.
    """
    # Beside an edge many pixels stand out: those around must not.
    height, width = residual.shape
    outlying = np.zeros((height, width), dtype=np.bool_)
    values = np.empty(min((2 * radius + 1) ** 2, residual.size), dtype=np.float32)
    factor = np.float32(threshold)
    for row in range(height):
        for column in range(width):
            excess = residual[row, column]
            if excess > np.float32(limit):
                count = gather(residual, missing, row, column, 0, radius, values)
                nearby = np.float32(0)
                if count:
                    nearby = np.float32(_MEDIAN_TO_DEVIATION) * np.float32(
                        np.median(values[:count])
                    )
                outlying[row, column] = not (count and excess <= factor * nearby)
    return outlying


def _dead_lines(plane: Plane, missing: Mask, residual: Plane, axis: int, radius: int) -> Mask:
    """Tell rows (axis 1) or columns (0) of one value that stand out from the lines around them.

    Noise never leaves a line constant, so any residual along most of it tells. A plain border
    wider than the window is background and stays, and so does a line that its surroundings equal.
    """
    # lines whose known pixels, at least a few, hold one value
    least = np.where(missing, np.float32(np.inf), plane).min(axis=axis)
    most = np.where(missing, np.float32(-np.inf), plane).max(axis=axis)
    constant: Mask = least == most
    if constant.any():
        constant &= np.count_nonzero(~missing, axis=axis) >= _SHORTEST_LINE
    if not constant.any():
        return constant
    # of these the thin ones that differ from what is around them
    run, _ = ndimage.label(constant)
    width = np.bincount(run)[run]
    thin = constant & (width <= radius) & (width < len(constant))
    equal = np.count_nonzero(residual == 0, axis=axis)
    dead: Mask = thin & (equal <= residual.shape[axis] // 2)
    return dead


def local_median(plane: Plane, radius: int) -> Plane:
    """Compute the median around each pixel; beyond its border the image is mirrored.

    By forgetful selection: of slightly more than half a window's values the least and the greatest
    cannot be the median, so they make room for another value. The plane is finite; equal to
    `scipy.ndimage.median_filter(mode="mirror")`, in a tenth of its time.
    """
    height, width = plane.shape
    columns = min(width, _LANES)
    rows = min(height, max(1, _LANES // columns))
    beyond = ((radius, radius + -height % rows), (radius, radius + -width % columns))
    return _medians(np.pad(plane, beyond, "reflect"), height, width, radius, rows, columns)


@compiled
def _medians(padded: Plane, height: int, width: int, radius: int, rows: int, columns: int) -> Plane:
    medians = np.empty((height, width), dtype=np.float32)
    side = 2 * radius + 1
    values = np.empty((side**2 // 2 + 2, rows * columns), dtype=np.float32)
    # In tiles, whose windows are sorted side by side.
    for top in range(0, height, rows):
        for left in range(0, width, columns):
            tile = padded[top : top + rows + 2 * radius, left : left + columns + 2 * radius]
            # Half of the window and two more: the ends of them cannot be the median.
            for number in range(len(values)):
                _shift(tile, number // side, number % side, columns, values[number])
            size = len(values)
            # Both ends go, and one further pixel comes in, until the median is left.
            for number in range(len(values), side**2):
                _sort_ends(values, size)
                size -= 1
                _shift(tile, number // side, number % side, columns, values[0])
            _sort_ends(values, size)
            for row in range(min(rows, height - top)):
                for column in range(min(columns, width - left)):
                    medians[top + row, left + column] = values[1, row * columns + column]
    return medians


@compiled
def _shift(tile: Plane, down: int, right: int, columns: int, lanes: Singles) -> None:
    for row in range(len(lanes) // columns):
        for column in range(columns):
            lanes[row * columns + column] = tile[row + down, column + right]


@compiled
def _sort_ends(values: Singles, size: int) -> None:
    """Bring the least of each lane's first values to the front, the greatest to the end."""
    for number in range(size // 2):
        _order(values[number], values[size - 1 - number])
    for number in range(1, (size + 1) // 2):
        _order(values[0], values[number])
    for number in range(size // 2, size - 1):
        _order(values[number], values[size - 1])


@compiled
def _order(low: Singles, high: Singles) -> None:
    for lane in range(len(low)):
        first, second = low[lane], high[lane]
        low[lane] = first if first < second else second
        high[lane] = second if first < second else first
