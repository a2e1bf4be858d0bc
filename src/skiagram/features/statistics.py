"""Feature family `statistics`: intensities, their histogram, gradient and coarse layout."""

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass

from skiagram.features.batch import Batch
from skiagram.features.definition import Definition
from skiagram.features.discretisation import Discretisation
from skiagram.features.extent import Extent
from skiagram.features.first_order_statistics import FirstOrderStatistics
from skiagram.features.gradient import GradientMagnitude
from skiagram.features.histogram_statistics import HistogramStatistics
from skiagram.features.kernels.histogram import count_levels
from skiagram.features.zones import zone_means, zone_names
from skiagram.options import STRICT

_HISTOGRAM = ("mode", "entropy", "uniformity")


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
            *FirstOrderStatistics.names("statistics"),
            *(f"statistics_histogram_{name}" for name in _HISTOGRAM),
            *GradientMagnitude.names("statistics_gradient"),
            *Extent.names("statistics"),
            *zone_names("statistics_zone", self.zones),
        )

    def definitions(self) -> tuple[Definition, ...]:
        """Return what the features mean."""
        histogram = HistogramStatistics.definitions("statistics_histogram")
        zone = "statistics_zone_<row>_<column>_mean"
        return (
            *FirstOrderStatistics.definitions("statistics"),
            *(one for one in histogram if one.name.split("_")[-1] in _HISTOGRAM),
            *GradientMagnitude.definitions("statistics_gradient"),
            *Extent.definitions("statistics"),
            Definition(zone, "Mean intensity of a zone.", "Σ x / N", "intensity", "any"),
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
        grey_levels = self.histogram.grey_levels(grey)
        histogram = HistogramStatistics(count_levels(grey_levels.levels, grey_levels.number))
        return np.hstack(
            [
                FirstOrderStatistics(grey).columns(),
                *(getattr(histogram, name)[:, None] for name in _HISTOGRAM),
                GradientMagnitude(grey).columns(),
                Extent(grey).columns(),
                zone_means(grey, self.zones),
            ]
        )
