"""Filter `laplacian_of_gaussian`: blobs and edges of one size (IBSI L6PA)."""

from collections.abc import Sequence
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass

from skiagram.arrays import Floats
from skiagram.features.filters.filter import convolve
from skiagram.features.filters.riesz import RieszFilter, in_frequencies, riesz
from skiagram.strict import STRICT, AboveZero


@dataclass(**STRICT)
class LaplacianOfGaussian(RieszFilter):
    """Laplacian of a Gaussian, sampled at the voxels (IBSI L6PA).

    Attributes:
        sigma: Standard deviation of the Gaussian, in mm (IBSI 41LN).
        cutoff: Standard deviations after which the kernel ends (IBSI WGPM).
    """

    sigma: AboveZero
    cutoff: Annotated[float, Field(gt=0, le=10)]

    in_mm: ClassVar[bool] = True

    def reach(self, spacing: Sequence[float]) -> Floats:
        """A Riesz transform looks at the whole image."""
        return super().reach(spacing) + (0 if self.riesz is None else np.inf)

    def _length(self, spacing: float) -> int:
        return int(self.cutoff * self.sigma / spacing + 0.5)

    def respond(self, image: Floats, spacing: Sequence[float]) -> Floats:
        """Compute the response, per voxel².

        Args:
            image: (depth, height, width).
            spacing: Of slices, rows and columns, mm.

        Returns:
            Of the same shape; a bright blob of about σ √axes as radius is lowest in its middle.
        """
        # A Gaussian and its second derivative along each axis.
        gaussians, curvatures = {}, {}
        for axis in self.axes:
            sigma = self.sigma / spacing[axis]
            reach = self._length(spacing[axis])
            place = np.arange(-reach, reach + 1)
            gaussian = np.exp(-(place**2) / (2 * sigma**2)) / (np.sqrt(2 * np.pi) * sigma)
            gaussians[axis] = gaussian
            curvatures[axis] = (place**2 / sigma**2 - 1) / sigma**2 * gaussian
        # The sum of the second derivatives along each axis, smoothed along the others.
        total = np.zeros(image.shape)
        for curved in self.axes:
            kernels = [
                (curvatures[axis] if axis == curved else gaussians[axis],) for axis in self.axes
            ]
            total += convolve(image, self.axes, kernels, self.boundary)
        # A Riesz transform of the response, where it is asked for.
        if self.riesz is None:
            return total
        orders, margin = self.riesz, len(gaussians[2])
        return in_frequencies(
            total, self.axes, lambda frequencies: riesz(orders, frequencies), self.boundary, margin
        )
