"""Feature family `fractal`: how roughness and power change with scale."""

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass

from skiagram.features.batch import Batch
from skiagram.features.definition import Definition
from skiagram.features.statistics.box_counting import box_counting_dimension
from skiagram.features.statistics.power_spectrum import ring_powers, spectral_slope
from skiagram.options import STRICT

_LOWEST_RING = 2  # the window spreads each frequency over its neighbours; the mean reaches ring 1
_DEFINITIONS = (
    Definition(
        "fractal_dimension",
        "Differential box counting dimension of the intensity surface; 2 for a plane and for an "
        "image with less than nine pixels a side.",
        "2 − slope of log n(s) over log s, n(s) the mean number of boxes over a square of side s",
        "1",
        "from 2 to 3, but for sampling error",
    ),
    Definition(
        "fractal_spectral_slope",
        "Fall of the power spectrum with the frequency; 0 for white noise, and for an image that "
        "is constant or too small for a slope.",
        "β = −slope of log P(f) over log f",
        "1",
        "any",
    ),
)


@dataclass(**STRICT)
class Fractal:
    """Box counting dimension and spectral slope, of whole images.

    Tissue with the power spectrum c / f^β is a fractal surface of dimension 4 − β/2 for β from 2
    to 4; mammograms have β near 3 (Burgess, Jacobson and Judy, Med Phys 28:419, 2001).

    Attributes:
        tile: Side of the square parts whose power spectra are averaged, in pixels; an image with
            a shorter side is cut into squares of that side.
        highest_frequency: Where the fitted part of the spectrum ends, in cycles a pixel; it
            starts at two cycles a tile. Above, a film's noise hides its tissue.
    """

    tile: Annotated[int, Field(ge=16, le=1024)]
    highest_frequency: Annotated[float, Field(gt=0, le=0.5)]

    def names(self) -> tuple[str, ...]:
        """Return the feature names in column order."""
        return ("fractal_dimension", "fractal_spectral_slope")

    def definitions(self) -> tuple[Definition, ...]:
        """Return what the features mean, in column order."""
        return _DEFINITIONS

    def extract(self, batch: Batch) -> NDArray[np.float64]:
        """Compute the features of a batch of equally sized images of any size from 1×1.

        Args:
            batch: Images of one channel, or of three reduced to luminance.

        Returns:
            (n, 2) float64, finite: the dimension, 2 for a plane, and the slope β, 0 for white
            noise and for images that are constant or too small to have a slope.

        Raises:
            DataError: The images have neither one channel nor three, or they have masks.
        """
        batch.check_whole("fractal")
        grey = batch.planes("fractal")
        side = min(self.tile, *grey.shape[1:])
        rings = np.arange(_LOWEST_RING, int(self.highest_frequency * side) + 1)
        slope = spectral_slope(ring_powers(grey, side), rings)
        return np.stack([box_counting_dimension(grey), slope], axis=1)
