"""Hot and dead pixels, dead rows and columns: found by robust residuals, replaced by medians."""

import math
from dataclasses import dataclass as record
from typing import Annotated

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass

from skiagram.compute.compiled import compiled
from skiagram.options import STRICT
from skiagram.restoration.contract import Mask, Plane
from skiagram.restoration.medians import gather, local_median, median, median_magnitude
from skiagram.restoration.missing import fill_local_median

_MEDIAN_TO_DEVIATION = 1.4826  # for normal residuals
_SHORTEST_LINE = 8  # known pixels; fewer are equal by chance


@record(frozen=True)
class Faults:
    """Where an image is not to be believed.

    Attributes:
        pixels: (height, width); those on dead lines included.
        lines: Number of dead rows and columns.
    """

    pixels: Mask
    lines: int


@dataclass(**STRICT)
class Outliers:
    """How outlying pixels are found: by a robust z, the residual over its MAD deviation.

    Attributes:
        threshold: Residual from the local median that makes an outlier, in robust standard
            deviations of the residuals (1.4826 times their median absolute value).
        radius: Radius in pixels of the median's window; it also is the thickest run of dead lines
            that is recognised.
    """

    threshold: Annotated[float, Field(gt=0)]
    radius: Annotated[int, Field(ge=1)]

    def replace(self, plane: Plane, missing: Mask) -> tuple[Plane, Faults]:
        """Return the plane with outliers replaced by the median of the sound pixels around them.

        Args:
            plane: (height, width) float32, finite.
            missing: (height, width); pixels that were filled and so prove nothing.
        """
        faults = self.find(plane, missing)
        if not faults.pixels.any():
            return plane, faults
        unknown = faults.pixels | missing
        return fill_local_median(plane, faults.pixels, self.radius, unknown=unknown), faults

    def find(self, plane: Plane, missing: Mask) -> Faults:
        """Find outlying pixels and dead lines.

        A pixel is outlying when its residual exceeds the threshold both in the whole image and
        among its neighbours; the second test spares edges and fine structure.

        Args:
            plane: (height, width) float32, finite.
            missing: (height, width); pixels that were filled and so prove nothing.
        """
        residual = local_median(plane, self.radius)
        np.abs(np.subtract(plane, residual, out=residual), out=residual)
        limit = self.threshold * robust_deviation(residual, missing)
        pixels = _standing_out(residual, missing, limit, self.threshold, self.radius)
        rows, columns = _constant_lines(plane, missing)
        rows = _dead(rows, residual, 0, self.radius)
        columns = _dead(columns, residual, 1, self.radius)
        pixels |= rows[:, None]
        pixels |= columns
        return Faults(pixels, int(rows.sum() + columns.sum()))


def robust_deviation(residual: Plane, missing: Mask) -> float:
    """Return the standard deviation that the median absolute residual stands for.

    Where more than half of the residuals are 0, as on a plain background, the mean absolute
    residual takes the median's place; for normal residuals √(π/2) times it is the deviation.

    Args:
        residual: (height, width) absolute residuals.
        missing: (height, width); pixels that are left out.
    """
    middle = float(median_magnitude(residual.ravel(), -1.0, missing.ravel()))
    if middle > 0:
        return _MEDIAN_TO_DEVIATION * middle
    return math.sqrt(math.pi / 2) * float(residual.mean(dtype=np.float64, where=~missing))


@compiled
def _standing_out(
    residual: Plane, missing: Mask, limit: float, threshold: float, radius: int
) -> Mask:
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
                    nearby = np.float32(_MEDIAN_TO_DEVIATION) * median(values[:count])
                outlying[row, column] = not (count and excess <= factor * nearby)
    return outlying


@compiled
def _constant_lines(plane: Plane, missing: Mask) -> tuple[Mask, Mask]:
    """Tell rows and columns whose known pixels, at least a few, hold a single value."""
    height, width = plane.shape
    known_below, known_beside = np.zeros(width, np.int64), np.zeros(height, np.int64)
    above, beside = np.empty(width, np.float32), np.empty(height, np.float32)
    columns, rows = np.empty(width, np.bool_), np.empty(height, np.bool_)
    for column in range(width):
        columns[column] = True
    for row in range(height):
        rows[row] = True
    for row in range(height):
        for column in range(width):
            if missing[row, column]:
                continue
            value = plane[row, column]
            if known_beside[row] and value != beside[row]:
                rows[row] = False
            if known_below[column] and value != above[column]:
                columns[column] = False
            beside[row], above[column] = value, value
            known_beside[row] += 1
            known_below[column] += 1
    for row in range(height):
        rows[row] = rows[row] and known_beside[row] >= _SHORTEST_LINE
    for column in range(width):
        columns[column] = columns[column] and known_below[column] >= _SHORTEST_LINE
    return rows, columns


@compiled
def _dead(constant: Mask, residual: Plane, axis: int, radius: int) -> Mask:
    """Keep those constant lines that stand out from the lines around them.

    Noise never leaves a line constant, so any residual along most of it tells. A plain border
    wider than the window is background and stays, and so does a line that its surroundings equal.

    Args:
        constant: (lines,) which hold a single value.
        residual: (height, width) absolute residuals from the local median.
        axis: 0 where the lines are rows, 1 where they are columns.
        radius: Thickest run of lines that counts as dead.
    """
    lines, length = residual.shape[axis], residual.shape[1 - axis]
    dead = np.zeros(lines, dtype=np.bool_)
    first = 0
    for line in range(lines + 1):
        if line < lines and constant[line]:
            continue
        if line - first <= radius and line - first < lines:
            for thin in range(first, line):
                equal = 0
                for place in range(length):
                    equal += (residual[place, thin] if axis else residual[thin, place]) == 0
                dead[thin] = equal <= length // 2
        first = line + 1
    return dead
