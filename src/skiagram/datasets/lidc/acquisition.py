"""What happens to CT numbers before they are stored, those of a new nodule too."""

import math
from typing import Annotated

import numpy as np
from pydantic import AfterValidator, Field
from pydantic.dataclasses import dataclass

from skiagram.datasets.contract import SpacedImage
from skiagram.datasets.lidc.grid import Grid
from skiagram.errors import DataError
from skiagram.options import STRICT


def _rising(window: tuple[float, float]) -> tuple[float, float]:
    if window[0] >= window[1]:
        raise ValueError("the lower bound first")
    return window


Window = Annotated[tuple[float, float], AfterValidator(_rising)]


@dataclass(**STRICT)
class NoduleSquare:
    """A square around a nodule, clipped and brought to a common grid.

    Attributes:
        side: Side of the square in the scanner's own pixels.
        window: Lowest and highest CT number kept, in HU, the rest clipped to them; None keeps all.
        grid: Common pixel grid; None keeps each scanner's own.
    """

    side: Annotated[int, Field(ge=8)]
    window: Window | None
    grid: Grid | None

    def acquire(self, film: SpacedImage) -> SpacedImage:
        """Turn CT numbers in HU, NaN outside the field of view, into what models see, float32.

        Raises:
            DataError: These are no CT numbers, no square of that side, or pixels of unknown or
                unequal spacing where there is a grid.
        """
        self._check(film)
        numbers = film.pixels.astype(np.float32)
        if self.window is not None:
            numbers = np.clip(numbers, *self.window)
        if self.grid is None or film.spacing is None:
            return SpacedImage(numbers, film.spacing)
        common = self.grid.spacing_mm
        return SpacedImage(self.grid.resample(numbers, film.spacing[0]), (common, common))

    def _check(self, film: SpacedImage) -> None:
        pixels = film.pixels
        if pixels.dtype not in (np.float32, np.int16):
            raise DataError(
                f"pixels of type {pixels.dtype}",
                allowed="CT numbers in HU, as DICOM files of CT hold them",
                remedy="export the slice as DICOM",
            )
        if pixels.shape != (self.side, self.side):
            raise DataError(
                f"{' × '.join(map(str, pixels.shape))} pixels",
                allowed=f"squares of {self.side} × {self.side} pixels, the nodule in the middle",
                remedy="cut the square out; a model of nodules judges a given one and finds none",
            )
        if self.grid is not None and not (film.spacing and math.isclose(*film.spacing)):
            raise DataError(
                "an unknown pixel spacing"
                if film.spacing is None
                else "pixels that are no squares",
                allowed="DICOM files with one Pixel Spacing for rows and columns",
            )
