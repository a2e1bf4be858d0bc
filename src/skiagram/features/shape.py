"""Feature family `shape`: size and form of a region."""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from skiagram.errors import DataError
from skiagram.features.batch import Batch, Region
from skiagram.features.feature import Features, GroupFamily
from skiagram.features.statistics.shape import ShapeFeatures
from skiagram.options import STRICT


@dataclass(**STRICT)
class Shape(GroupFamily):
    """Size and form (after IBSI HCUG).

    Attributes:
        region: `bright`: what Otsu's threshold calls bright in the region of interest; `whole`:
            all of that, or of the image where there is none.
        unit: `pixel`, or `mm` for data sets whose images all have a known pixel spacing: a column
            has one unit in all of a data set.
    """

    region: Region
    unit: Literal["pixel", "mm"]

    prefix: ClassVar[str] = "shape"
    group: ClassVar[type[Features]] = ShapeFeatures

    def extract(self, batch: Batch) -> NDArray[np.float64]:
        """Compute the features of a batch of equally sized images of any size from 1×1.

        Args:
            batch: Images of one channel, or of three reduced to luminance.

        Returns:
            (n, 14) float64, finite.

        Raises:
            DataError: The images are volumes or have neither one channel nor three, or the unit
                is mm and an image's pixel spacing is unknown.
        """
        batch.check_planes("shape")
        regions = batch.region(self.region, "shape")
        return ShapeFeatures(regions, self._spacing(batch)).columns()

    def _spacing(self, batch: Batch) -> NDArray[np.float64]:
        if self.unit == "pixel":
            return np.ones((len(batch), 2))
        if batch.spacing is None or not np.isfinite(batch.spacing).all():
            raise DataError(
                "`shape` is asked for in mm, but the pixel spacing is unknown",
                where="features",
                remedy="set `unit: pixel` in conf/features/shape.yaml, "
                "or leave `shape` out of `features`",
            )
        return batch.spacing
