"""Feature family `zones`: the coarse layout of an image, as mean intensities on a grid."""

from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass

from skiagram.features.family import WholeImageFamily
from skiagram.features.feature import Floats
from skiagram.options import STRICT


@dataclass(**STRICT)
class Zones(WholeImageFamily):
    """Mean intensities of the zones of a square grid over the whole image.

    A zone takes in every row and column that it touches: zones of an image whose size their number
    does not divide overlap by a pixel.

    Attributes:
        number: Rows of zones, and columns of zones.
    """

    number: Annotated[int, Field(ge=2, le=16)]

    prefix: ClassVar[str] = "zones"

    def names(self) -> tuple[str, ...]:
        """Return the feature names in column order: row by row."""
        numbers = range(1, self.number + 1)
        return tuple(f"zones_{row}_{column}_mean" for row in numbers for column in numbers)

    def describe(self, images: NDArray[Any]) -> Floats:
        """Compute the means of all zones of n images, (n, number²)."""
        return zone_means(images.astype(np.float64, copy=False), self.number)


def zone_means(images: Floats, zones: int) -> Floats:
    """Return the mean intensity of each zone, (n, zones²), row by row; a 1×1 image has all."""
    rows = _shares(images.shape[1], zones)
    columns = _shares(images.shape[2], zones)
    return (rows @ images @ columns.T).reshape(len(images), -1)


def _shares(size: int, zones: int) -> Floats:
    """Return the weight of each of `size` places in the mean of each zone, (zones, size)."""
    zone = np.arange(zones)[:, None]
    place = np.arange(size)
    touched = (place >= zone * size // zones) & (place < -(-(zone + 1) * size // zones))
    return touched / touched.sum(axis=1, keepdims=True)
