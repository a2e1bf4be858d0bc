"""Feature family `gabor`: strength of waves of each length and direction."""

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass

from skiagram.features.ascending import Ascending
from skiagram.features.batch import Batch
from skiagram.features.definition import Definition
from skiagram.features.kernels.gabor_responses import magnitude_moments
from skiagram.options import STRICT

_MOMENTS = ("mean", "standard_deviation")
_DEVIATIONS = 3  # of the Gaussian, at which the filter ends


Wavelength = Annotated[int, Field(ge=2, le=256)]
Wavelengths = Annotated[tuple[Wavelength, ...], Field(min_length=1), Ascending]


@dataclass(**STRICT)
class Gabor:
    """Magnitude of the responses to a bank of Gabor filters.

    Manjunath and Ma, IEEE Trans. PAMI 18(8), 1996; the filters have a round Gaussian (Daugman,
    JOSA A 2(7), 1985). The image's mean is taken away before; beyond its border it goes on as its
    mirror image. Regions of interest are refused.

    Attributes:
        wavelengths: Of the waves, in pixels.
        orientations: Directions of the waves, evenly spread over half a turn, the first to the
            right, turning clockwise; whole degrees apart.
        bandwidth: Of the filters, in octaves, at half the largest response.
        aggregation: `averaged`: means over the directions, which a quarter turn leaves alone;
            `separate`: features of each direction.
    """

    wavelengths: Wavelengths
    orientations: Literal[2, 3, 4, 6, 12]
    bandwidth: Annotated[float, Field(ge=0.25, le=4)]
    aggregation: Literal["averaged", "separate"]

    def names(self) -> tuple[str, ...]:
        """Return the feature names in column order; orientations in degrees."""
        degrees = range(0, 180, 180 // self.orientations)
        separate = tuple(f"_orientation_{degree}" for degree in degrees)
        parts = separate if self.aggregation == "separate" else ("",)
        return tuple(
            f"gabor_wavelength_{wavelength}{part}_{moment}"
            for wavelength in self.wavelengths
            for part in parts
            for moment in _MOMENTS
        )

    def definitions(self) -> tuple[Definition, ...]:
        """Return what the features mean, in column order."""
        separate = self.aggregation == "separate"
        name = "gabor_wavelength_<wavelength>" + "_orientation_<degrees>" * separate
        averaged = "" if separate else ", averaged over the orientations"
        meaning = "of the response's magnitude over the image" + averaged
        return (
            Definition(f"{name}_mean", f"Mean {meaning}.", "μ = Σ |r| / N", "intensity", "from 0"),
            Definition(
                f"{name}_standard_deviation",
                f"Standard deviation {meaning}.",
                "√(Σ (|r| − μ)² / N)",
                "intensity",
                "from 0",
            ),
        )

    def extract(self, batch: Batch) -> NDArray[np.float64]:
        """Compute the features of a batch of equally sized images of any size from 1×1.

        Args:
            batch: Images of one channel, or of three reduced to luminance.

        Returns:
            (n, n_features) float64, ≥ 0, in the unit of the intensities.

        Raises:
            DataError: The images have neither one channel nor three, or they have masks.
        """
        batch.check_whole("gabor")
        grey = batch.luminance("gabor")
        found = np.stack([self._responses(grey, one) for one in self.wavelengths], axis=1)
        if self.aggregation == "averaged":
            found = found.mean(axis=2)
        return found.reshape(len(grey), -1)

    def _responses(self, grey: NDArray[np.float64], wavelength: int) -> NDArray[np.float64]:
        """Return (n, orientations, 2) mean and standard deviation of the magnitude."""
        found = np.empty((len(grey), self.orientations, 2))
        centre = grey.mean(axis=(1, 2))
        for at in range(self.orientations // 2 + 1):
            angle = np.pi * at / self.orientations
            across, down = self._weights(wavelength, angle)
            radius = across.shape[1] - 1
            places = (np.pad(np.arange(size), radius, mode="symmetric") for size in grey.shape[1:])
            moments = magnitude_moments(grey, centre, across, down, *places)
            found[:, -at % self.orientations] = moments[:, 1]
            found[:, at] = moments[:, 0]
        mean, square = found[..., 0], found[..., 1]
        deviation = np.sqrt(np.maximum(square - mean**2, 0))
        return np.stack([mean, deviation], axis=-1)

    def _weights(
        self, wavelength: int, angle: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the weights along rows and columns, as `magnitude_moments` reads them."""
        octave = 2**self.bandwidth
        width = np.sqrt(np.log(2) / 2) / np.pi * (octave + 1) / (octave - 1) * wavelength
        direction = np.array([np.cos(angle), np.sin(angle)])
        radius = int(np.ceil(max(*(_DEVIATIONS * width * direction), 1)))
        step = np.arange(radius + 1)
        gaussian = np.exp(-0.5 * (step / width) ** 2) / (np.sqrt(2 * np.pi) * width)
        phase = 2 * np.pi / wavelength * step * direction[:, None]
        across, down = np.stack([gaussian * np.cos(phase), gaussian * np.sin(phase)], axis=1)
        return across, down
