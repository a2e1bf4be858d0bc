"""Feature family `gldzm`: how far from the border the areas of one grey level are."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from skiagram.features.batch import Batch, Region
from skiagram.features.discretisation import Discretisation
from skiagram.features.feature import Features, GroupFamily
from skiagram.features.kernels.distance_zone import distance_zones
from skiagram.features.statistics.gldzm import GldzmFeatures
from skiagram.features.statistics.level_counts import LevelCounts
from skiagram.options import STRICT


@dataclass(**STRICT)
class Gldzm(GroupFamily):
    """Grey level distance zone matrix (IBSI VMDZ).

    Attributes:
        levels: How intensities become grey levels.
        region: `whole` or `bright`, as in `Batch.region`.
    """

    levels: Discretisation
    region: Region

    prefix: ClassVar[str] = "gldzm"
    group: ClassVar[type[Features]] = GldzmFeatures

    def extract(self, batch: Batch) -> NDArray[np.float64]:
        """Compute the features of a batch of equally sized images of any size from 1×1.

        Args:
            batch: Images of one channel, or of three reduced to luminance.

        Returns:
            (n, 16) float64, finite.

        Raises:
            DataError: The images have neither one channel nor three, or too many grey levels.
        """
        found = batch.levels(self.levels, self.region, "gldzm")
        forest = batch.zones(self.levels, self.region, "gldzm")
        zones = distance_zones(found.levels, forest, found.number)
        pixels = np.count_nonzero(found.levels, axis=(1, 2, 3)).astype(np.float64)
        return GldzmFeatures(LevelCounts.of_matrices(zones), pixels).columns()
