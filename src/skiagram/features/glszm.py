"""Feature family `glszm`: how large the areas of one grey level are."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from skiagram.features.batch import Batch, Region
from skiagram.features.discretisation import Discretisation
from skiagram.features.feature import Features, GroupFamily
from skiagram.features.kernels.size_zone import size_zones
from skiagram.features.statistics.glszm import GlszmFeatures
from skiagram.features.statistics.level_counts import LevelCounts
from skiagram.options import STRICT


@dataclass(**STRICT)
class Glszm(GroupFamily):
    """Grey level size zone matrix (IBSI 9SAK).

    Attributes:
        levels: How intensities become grey levels.
        region: `whole` or `bright`, as in `Batch.region`.
    """

    levels: Discretisation
    region: Region

    prefix: ClassVar[str] = "glszm"
    group: ClassVar[type[Features]] = GlszmFeatures

    def extract(self, batch: Batch) -> NDArray[np.float64]:
        """Compute the features of a batch of equally sized images of any size from 1×1.

        Args:
            batch: Images of one channel, or of three reduced to luminance.

        Returns:
            (n, 16) float64, finite.

        Raises:
            DataError: The images have neither one channel nor three, or too many grey levels.
        """
        found = batch.levels(self.levels, self.region, "glszm")
        forest = batch.zones(self.levels, self.region, "glszm")
        zones = size_zones(found.levels, forest, found.number)
        return GlszmFeatures(LevelCounts.of_entries(len(batch), zones)).columns()
