"""Feature family `zones`: the coarse layout of an image, as mean intensities on a grid."""

from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass

from skiagram.arrays import Floats
from skiagram.features.family import WholeImageFamily
from skiagram.strict import STRICT


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
        """List the feature names in column order: row by row."""
        numbers = range(1, self.number + 1)
        return tuple(f"zones_{row}_{column}_mean" for row in numbers for column in numbers)

    def describe(self, images: NDArray[Any]) -> Floats:
        """Compute the means of all zones of n images; a 1×1 image has all.

        Args:
            images: (n, height, width) of any depth.

        Returns:
            (n, number²), row by row.
        """
        # the weight of each row, then of each column, in the mean of each zone
        weights = []
        zone = np.arange(self.number)[:, None]
        for size in images.shape[1:]:
            place = np.arange(size)
            touched = place >= zone * size // self.number
            touched &= place < -(-(zone + 1) * size // self.number)
            weights.append(touched / touched.sum(axis=1, keepdims=True))
        rows, columns = weights
        means = rows @ images.astype(np.float64, copy=False) @ columns.T
        return means.reshape(len(images), -1)
