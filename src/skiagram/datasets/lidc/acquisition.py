"""What happens to CT numbers before they are stored, those of a new nodule too.

They are clipped to a window and brought to a common pixel spacing, as scanners differ in theirs.
"""

import math
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field
from pydantic.dataclasses import dataclass
from scipy.ndimage import map_coordinates

from skiagram.datasets.contract import SpacedImage
from skiagram.errors import DataError
from skiagram.options import STRICT


@dataclass(**STRICT)
class Grid:
    """The pixels that an image is resampled to, around its centre.

    Attributes:
        spacing_mm: Distance of neighbouring pixels.
        size: Side in pixels.
    """

    spacing_mm: Annotated[float, Field(gt=0, le=10)]
    size: Annotated[int, Field(ge=8, le=1024)]

    def resample(self, image: NDArray[np.float32], spacing_mm: float) -> NDArray[np.float32]:
        """Return (size, size) float32 by linear interpolation; NaN where nothing is known.

        Args:
            image: (height, width) with NaN for missing pixels.
            spacing_mm: Distance of the image's own pixels.
        """
        offset = (np.arange(self.size) - (self.size - 1) / 2) * (self.spacing_mm / spacing_mm)
        centre = [(side - 1) / 2 for side in image.shape]
        places = np.meshgrid(*(middle + offset for middle in centre), indexing="ij")
        resampled: NDArray[np.float32] = map_coordinates(
            image, places, output=np.float32, order=1, mode="constant", cval=np.nan
        )
        return resampled


def _require_rising(window: tuple[float, float]) -> tuple[float, float]:
    if window[0] >= window[1]:
        raise ValueError("the lower bound first")
    return window


Window = Annotated[tuple[float, float], AfterValidator(_require_rising)]


@dataclass(**STRICT)
class NodulePatch:
    """A square around a nodule, clipped and brought to a common grid.

    Attributes:
        side: Side of the square in the scanner's own pixels.
        window: Lowest and highest CT number kept, in HU, the rest clipped to them; None keeps all.
        grid: Common pixel grid; None keeps each scanner's own.
    """

    side: Annotated[int, Field(ge=8)]
    window: Window | None
    grid: Grid | None

    def acquire(self, image: SpacedImage) -> SpacedImage:
        """Turn CT numbers in HU, NaN outside the field of view, into what models see, float32.

        Raises:
            DataError: These are no CT numbers, no square of that side, or pixels of unknown or
                unequal spacing where there is a grid.
        """
        self._check(image)
        numbers = image.pixels.astype(np.float32)
        if self.window is not None:
            numbers = np.clip(numbers, *self.window)
        if self.grid is None or image.spacing is None:
            return SpacedImage(numbers, image.spacing)
        common = self.grid.spacing_mm
        return SpacedImage(self.grid.resample(numbers, image.spacing[0]), (common, common))

    def _check(self, image: SpacedImage) -> None:
        pixels = image.pixels
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
                remedy="cut the square out; the model classifies a nodule and does not find it",
            )
        if self.grid is not None and not (image.spacing and math.isclose(*image.spacing)):
            raise DataError(
                "an unknown pixel spacing"
                if image.spacing is None
                else "pixels that are not square",
                allowed="DICOM files with one Pixel Spacing for rows and columns",
            )
