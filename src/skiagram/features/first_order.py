"""Feature family `first_order`: statistics of the intensities of a region."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from skiagram.features.batch import Batch, Region
from skiagram.features.feature import Features, GroupFamily
from skiagram.features.statistics.first_order import FirstOrderStatistics
from skiagram.options import STRICT


@dataclass(**STRICT)
class FirstOrder(GroupFamily):
    """First-order statistics (IBSI UHIW) and both quartiles.

    Attributes:
        region: `whole`: the region of interest, or all of the image where there is none; `bright`:
            what Otsu's threshold calls bright in it.
    """

    region: Region

    prefix: ClassVar[str] = "first_order"
    group: ClassVar[type[Features]] = FirstOrderStatistics

    def extract(self, batch: Batch) -> NDArray[np.float64]:
        """Compute the features of a batch of equally sized images of any size from 1×1.

        Args:
            batch: Images of one channel, or of three reduced to luminance.

        Returns:
            (n, n_features) float64, finite.

        Raises:
            DataError: The images have neither one channel nor three.
        """
        grey = batch.intensities("first_order")
        all_of_it = self.region == "whole" and batch.masks is None
        inside = None if all_of_it else batch.region(self.region, "first_order")
        return FirstOrderStatistics(grey, inside).columns()
