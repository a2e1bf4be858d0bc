"""A common pixel spacing for images from scanners with differing ones."""

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass
from scipy.ndimage import map_coordinates

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
        places = np.meshgrid(*(at + offset for at in centre), indexing="ij")
        resampled: NDArray[np.float32] = map_coordinates(
            image, places, output=np.float32, order=1, mode="constant", cval=np.nan
        )
        return resampled
