"""Filter `gabor`: waves of one length and direction under a Gaussian (IBSI Q88H)."""

from collections.abc import Sequence
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass

from skiagram.arrays import Floats
from skiagram.errors import refusal
from skiagram.features.filters.filter import PAD, Filter, Pooling, pooled
from skiagram.strict import STRICT, AboveZero

_CUTOFF = 7  # standard deviations after which the kernel ends: the rest is below 10⁻¹⁰


@dataclass(**STRICT)
class GaborFilter(Filter):
    """Modulus of the response to a complex Gabor kernel in planes (IBSI Q88H).

    In `2D` the planes are the slices, whose spacing must be equal along rows and columns; in `3D`
    all three planes, which are averaged.

    Attributes:
        sigma: Standard deviation of the Gaussian across the wave fronts, in mm (IBSI 41LN).
        wavelength: In mm (IBSI S4N6).
        aspect_ratio: γ: σ / γ is the standard deviation along the wave fronts (IBSI GDR5).
        directions: Directions from 0 to below 180°, equally spaced, that are pooled; 1 for the one
            of `angle` alone.
        angle: First direction, in degrees, clockwise from x (IBSI FQER).
        pooling: Of the directions.
    """

    sigma: AboveZero
    wavelength: AboveZero
    aspect_ratio: AboveZero
    directions: Annotated[int, Field(ge=1, le=360)]
    angle: float
    pooling: Pooling

    in_mm: ClassVar[bool] = True

    def reach(self, spacing: Sequence[float]) -> Floats:
        """The kernel is as long along all axes, whose spacing may differ by a hundredth."""
        return super().reach([min(spacing[axis] for axis in self.axes)] * 3)

    def _length(self, spacing: float) -> int:
        """Compute how many voxels the kernel has to each side, at the wider of both deviations."""
        widest = self.sigma / spacing * max(1, 1 / self.aspect_ratio)
        return int(_CUTOFF * widest + 0.5)

    def respond(self, image: Floats, spacing: Sequence[float]) -> Floats:
        """Compute the pooled modulus in the slices, or the mean of all three planes.

        Raises:
            DataError: Voxels of a plane have unequal sides.
        """
        # Waves of one length in mm need pixels of one side.
        along = [spacing[axis] for axis in self.axes]
        if max(along) > 1.01 * min(along):
            raise refusal(
                "features.uneven_spacing",
                distances=" × ".join(f"{step:g}" for step in along),
            )
        # In 3D the mean over planes across each axis.
        planes = (0,) if self.dimension == "2D" else (0, 1, 2)
        responses = (self._in_planes(image, across, spacing) for across in planes)
        return pooled(responses, "average")

    def _in_planes(self, image: Floats, across: int, spacing: Sequence[float]) -> Floats:
        """Compute the pooled response in all planes across an axis.

        Args:
            image: (depth, height, width).
            across: The axis.
            spacing: Of slices, rows and columns, mm.
        """
        from scipy.fft import fft2, ifft2, next_fast_len

        step = [spacing[axis] for axis in range(3) if axis != across]
        planes = np.moveaxis(image, across, 0)
        # the kernels: a wave of each direction under the Gaussian
        sigma, wavelength = self.sigma / step[1], self.wavelength / step[1]
        reach, kernels = self._length(step[1]), []
        y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
        for number in range(self.directions):
            angle = np.deg2rad(self.angle + 180 * number / self.directions)
            along = x * np.cos(angle) + y * np.sin(angle)
            aside = y * np.cos(angle) - x * np.sin(angle)
            envelope = np.exp(-(along**2 + self.aspect_ratio**2 * aside**2) / (2 * sigma**2))
            kernel = envelope * np.exp(2j * np.pi * along / wavelength)
            kernels.append(kernel.astype(np.complex64))
        # Wide enough that neither padding nor period reaches what is kept.
        sides = [next_fast_len(side + 4 * reach) for side in planes.shape[1:]]
        inner = tuple(slice(2 * reach, 2 * reach + side) for side in planes.shape[1:])
        # The kernels are transformed once, each plane once.
        spectra = [fft2(kernel, sides) for kernel in kernels]
        response = np.empty(planes.shape)
        for number in range(len(planes)):
            wide = np.pad(planes[number], reach, mode=PAD[self.boundary])  # type: ignore[call-overload]
            spectrum = fft2(wide.astype(np.float32), sides)
            responses = (np.abs(ifft2(spectrum * kernel)) for kernel in spectra)
            inside = (response[inner].astype(np.float64) for response in responses)
            response[number] = pooled(inside, self.pooling)
        return np.moveaxis(response, 0, across)
