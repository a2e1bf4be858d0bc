"""Feature family `ngldm`: how many of its neighbours have about the grey level of a pixel."""

from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass

from skiagram.features.batch import Batch, Region
from skiagram.features.discretisation import MOST_LEVELS, Discretisation
from skiagram.features.feature import Features, GroupFamily
from skiagram.features.kernels.dependence import dependence_counts
from skiagram.features.statistics.level_counts import LevelCounts
from skiagram.features.statistics.ngldm import NgldmFeatures
from skiagram.options import STRICT


@dataclass(**STRICT)
class Ngldm(GroupFamily):
    """Neighbouring grey level dependence matrix (IBSI REK0).

    Attributes:
        levels: How intensities become grey levels.
        region: `whole` or `bright`, as in `Batch.region`.
        distance: Chebyshev distance up to which pixels are neighbours, in pixels.
        coarseness: Difference of the levels up to which a neighbour is dependent, in levels.
    """

    levels: Discretisation
    region: Region
    distance: Annotated[int, Field(ge=1, le=7)]
    coarseness: Annotated[int, Field(ge=0, lt=MOST_LEVELS)]

    prefix: ClassVar[str] = "ngldm"
    group: ClassVar[type[Features]] = NgldmFeatures

    def extract(self, batch: Batch) -> NDArray[np.float64]:
        """Compute the features of a batch of equally sized images of any size from 1×1.

        Args:
            batch: Images of one channel, or of three reduced to luminance.

        Returns:
            (n, 17) float64, finite.

        Raises:
            DataError: The images have neither one channel nor three, or too many grey levels.
        """
        found = batch.levels(self.levels, self.region, "ngldm")
        counts = dependence_counts(found.levels, found.number, self.distance, self.coarseness)
        return NgldmFeatures(LevelCounts.of_matrices(counts)).columns()
