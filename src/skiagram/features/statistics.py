"""Feature family `statistics`: intensities, their histogram, gradient and coarse layout."""

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass

from skiagram.features.batch import Batch
from skiagram.features.discretisation import Discretisation, histograms
from skiagram.features.extent import Extent
from skiagram.features.first_order import FirstOrder
from skiagram.features.gradient import GradientMagnitude
from skiagram.features.intensity_histogram import IntensityHistogram
from skiagram.features.zones import zone_means, zone_names
from skiagram.options import STRICT


@dataclass(**STRICT)
class Statistics:
    """First-order statistics, histogram, gradient, length and width, means of zones.

    Attributes:
        histogram: How intensities become the grey levels of the histogram.
        zones: Rows and columns of the grid of zones.
    """

    histogram: Discretisation
    zones: Annotated[int, Field(ge=2, le=16)]

    def names(self) -> tuple[str, ...]:
        """Return the feature names in column order."""
        return (
            *FirstOrder.names("statistics"),
            *IntensityHistogram.names("statistics_histogram"),
            *GradientMagnitude.names("statistics_gradient"),
            *Extent.names("statistics"),
            *zone_names("statistics_zone", self.zones),
        )

    def extract(self, batch: Batch) -> NDArray[np.float64]:
        """Compute the features of a batch of equally sized images of any size from 1×1.

        Args:
            batch: Images of one channel, or of three reduced to luminance.

        Returns:
            (n, n_features) float64, finite.

        Raises:
            DataError: The images have neither one channel nor three, or the bin width makes too
                many grey levels.
        """
        grey = batch.luminance("statistics")
        levels = self.histogram.levels(grey)
        parts = (
            FirstOrder(grey.reshape(len(grey), -1)),
            IntensityHistogram(histograms(levels, int(levels.max()) + 1)),
            GradientMagnitude(grey),
            Extent(grey),
        )
        return np.hstack([*(part.columns() for part in parts), zone_means(grey, self.zones)])
