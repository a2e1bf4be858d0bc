"""Feature family `gradient`: how steeply the intensities change from pixel to pixel."""

from dataclasses import dataclass as record
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from skiagram.features.batch import Batch, Region
from skiagram.features.feature import Column, Feature, Features, GroupFamily, Quantity
from skiagram.features.kernels.gradient import gradient_moments
from skiagram.options import STRICT


@record(frozen=True)
class GradientMagnitude(Features):
    """Statistics of the gradient's magnitude in n images.

    In the formulas g is the magnitude of the gradient, √(∂x² + ∂y²), at the N pixels of the region.
    Derivatives are central differences, one-sided at the border of the image; along an axis of one
    pixel they are 0.

    Attributes:
        images: (n, height, width), finite float64.
        inside: Of the same shape, true in the region, at least one pixel an image; None for all.
    """

    images: NDArray[np.float64]
    inside: NDArray[np.bool_] | None = None

    @Quantity
    def _moments(self) -> NDArray[np.float64]:
        inside = np.ones((1, 1, 1), np.bool_) if self.inside is None else self.inside
        return gradient_moments(self.images, inside)

    @Feature
    def mean(self) -> Column:
        """Mean steepness.

        Formula: μ = Σ g / N
        Unit: intensity / pixel
        Range: from 0
        """
        return self._moments[:, 0]

    @Feature
    def variance(self) -> Column:
        """Variance of the steepness, without Bessel's correction.

        Formula: Σ (g − μ)² / N
        Unit: intensity² / pixel²
        Range: from 0
        """
        return self._moments[:, 1]

    @Feature
    def maximum(self) -> Column:
        """Largest steepness.

        Formula: max g
        Unit: intensity / pixel
        Range: from 0
        """
        return self._moments[:, 2]


@dataclass(**STRICT)
class Gradient(GroupFamily):
    """Steepness of the intensities.

    Attributes:
        region: `whole`: the region of interest, or all of the image where there is none; `bright`:
            what Otsu's threshold calls bright in it.
    """

    region: Region

    prefix: ClassVar[str] = "gradient"
    group: ClassVar[type[Features]] = GradientMagnitude

    def extract(self, batch: Batch) -> NDArray[np.float64]:
        """Compute the features of a batch of equally sized images of any size from 1×1.

        Args:
            batch: Images of one channel, or of three reduced to luminance.

        Returns:
            (n, 3) float64, finite.

        Raises:
            DataError: The images have neither one channel nor three.
        """
        grey = batch.luminance("gradient")
        all_of_it = self.region == "whole" and batch.masks is None
        inside = None if all_of_it else batch.region(self.region, "gradient")
        return GradientMagnitude(grey, inside).columns()
