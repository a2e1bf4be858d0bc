"""Hot and dead pixels, dead rows and columns: found by robust residuals, replaced by medians."""

import math
from dataclasses import dataclass as record
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass
from scipy import ndimage

from skiagram.options import STRICT
from skiagram.restoration.contract import Mask, Plane
from skiagram.restoration.missing import fill_local_median
from skiagram.restoration.windows import Surroundings, local_median, square

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
    """How outlying pixels are found.

    Attributes:
        threshold: Residual from the local median that makes an outlier, in robust standard
            deviations of the residuals.
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
        sound = fill_local_median(plane, faults.pixels | missing, self.radius)
        return np.where(faults.pixels, sound, plane), faults

    def find(self, plane: Plane, missing: Mask) -> Faults:
        """Find outlying pixels and dead lines.

        A pixel is outlying when its residual exceeds the threshold both in the whole image and
        among its neighbours; the second test spares edges and fine structure.

        Args:
            plane: (height, width) float32, finite.
            missing: (height, width); pixels that were filled and so prove nothing.
        """
        residual = np.abs(plane - local_median(plane, self.radius))
        scale = robust_deviation(residual[~missing])
        outlying = residual > self.threshold * scale
        at = np.argwhere(outlying)
        if len(at):
            around = Surroundings(residual, ~missing, self.radius)
            nearby = _MEDIAN_TO_DEVIATION * around.median(at, square(self.radius))
            outlying[outlying] = ~(residual[outlying] <= self.threshold * nearby)
        rows = dead_rows(plane, missing, residual, self.radius)
        columns = dead_rows(plane.T, missing.T, residual.T, self.radius)
        return Faults(outlying | rows[:, None] | columns, int(rows.sum() + columns.sum()))


def robust_deviation(residual: NDArray[np.float32]) -> float:
    """Return the standard deviation that the median absolute residual stands for.

    Where more than half of the residuals are 0, as on a plain background, the mean absolute
    residual takes the median's place; for normal residuals √(π/2) times it is the deviation.

    Args:
        residual: (n,) absolute residuals.
    """
    median = float(np.median(residual))
    if median > 0:
        return _MEDIAN_TO_DEVIATION * median
    return math.sqrt(math.pi / 2) * float(residual.mean(dtype=np.float64))


def dead_rows(plane: Plane, missing: Mask, residual: Plane, radius: int) -> Mask:
    """Find rows that hold a single value and stand out from the rows around them.

    Noise never leaves a row constant, so any residual along most of it tells. A plain border
    wider than the window is background and stays, and so does a row that its surroundings equal.

    Args:
        plane: (height, width) float32, finite.
        missing: (height, width); pixels that are left out of the comparison.
        residual: (height, width) absolute residuals from the local median.
        radius: Thickest run of rows that counts as dead.

    Returns:
        (height,) bool.
    """
    known = ~missing
    highest = np.max(plane, axis=1, where=known, initial=-np.inf)
    lowest = np.min(plane, axis=1, where=known, initial=np.inf)
    constant: Mask = (highest == lowest) & (known.sum(axis=1) >= _SHORTEST_LINE)
    if constant.all() or not constant.any():
        return np.zeros_like(constant)
    thick = ndimage.binary_opening(constant, np.ones(radius + 1, dtype=np.bool_))
    dead: Mask = constant & ~thick
    dead[dead] = np.median(residual[dead], axis=1) > 0
    return dead
