"""Feature family `intensity_histogram`: statistics of the grey levels of a region."""

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from skiagram.features.batch import Batch, Region
from skiagram.features.definition import Definition
from skiagram.features.discretisation import Discretisation
from skiagram.features.kernels.histogram import count_levels
from skiagram.features.statistics.histogram import HistogramStatistics
from skiagram.features.statistics.histogram_gradients import HistogramGradients
from skiagram.options import STRICT

_FAMILY = "intensity_histogram"
_PARTS = (HistogramStatistics, HistogramGradients)


@dataclass(**STRICT)
class IntensityHistogram:
    """Intensity histogram features (IBSI ZVCW).

    Attributes:
        levels: How intensities become grey levels.
        region: `whole`: the region of interest, or all of the image where there is none; `bright`:
            what Otsu's threshold calls bright in it.
    """

    levels: Discretisation
    region: Region

    def names(self) -> tuple[str, ...]:
        """Return the feature names in column order."""
        return tuple(name for part in _PARTS for name in part.names(_FAMILY))

    def definitions(self) -> tuple[Definition, ...]:
        """Return what the features mean, in column order."""
        return tuple(one for part in _PARTS for one in part.definitions(_FAMILY))

    def extract(self, batch: Batch) -> NDArray[np.float64]:
        """Compute the features of a batch of equally sized images of any size from 1×1.

        Args:
            batch: Images of one channel, or of three reduced to luminance.

        Returns:
            (n, 23) float64, finite.

        Raises:
            DataError: The images have neither one channel nor three, or the bin width makes too
                many grey levels.
        """
        grey = batch.levels(self.levels, self.region, _FAMILY)
        counts = count_levels(grey.levels, grey.number)
        return np.hstack([part(counts).columns() for part in _PARTS])
