"""Feature family `glrlm`: how far grey levels run without change."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from skiagram.features.batch import Batch, Region
from skiagram.features.directions import Aggregation, average, directions
from skiagram.features.discretisation import Discretisation, GreyLevels
from skiagram.features.feature import Features, GroupFamily
from skiagram.features.kernels.run_length import run_lengths
from skiagram.features.statistics.glrlm import GlrlmFeatures
from skiagram.options import STRICT


@dataclass(**STRICT)
class Glrlm(GroupFamily):
    """Grey level run length matrices (IBSI TP0I).

    Attributes:
        levels: How intensities become grey levels.
        region: `whole` or `bright`, as in `Batch.region`.
        aggregation: `averaged` computes features of each direction and takes their mean (IBSI
            BTW3); `merged` adds up the matrices of all directions first (IBSI SUJT).
    """

    levels: Discretisation
    region: Region
    aggregation: Aggregation

    prefix: ClassVar[str] = "glrlm"
    group: ClassVar[type[Features]] = GlrlmFeatures

    def extract(self, batch: Batch) -> NDArray[np.float64]:
        """Compute the features of a batch of equally sized images of any size from 1×1.

        Args:
            batch: Images of one channel, or of three reduced to luminance.

        Returns:
            (n, n_features) float64, finite.

        Raises:
            DataError: The images have neither one channel nor three, or too many grey levels.
        """
        return glrlm(batch.levels(self.levels, self.region, "glrlm"), self.aggregation)


def glrlm(levels: GreyLevels, aggregation: Aggregation) -> NDArray[np.float64]:
    """Compute the features: in a plane along 4 directions, in a volume along 13.

    Args:
        levels: Of n images.
        aggregation: Of the directions, as in `Glrlm`.

    Returns:
        (n, n_features).
    """
    n, depth = levels.levels.shape[:2]
    offsets = directions(depth)
    found = run_lengths(levels.levels, levels.number, offsets, aggregation == "merged")
    features = GlrlmFeatures(found).columns()
    return average(features, np.ones((n, len(features) // n), dtype=np.bool_))
