"""Feature family `gabor`: strength of waves of each length and direction."""

from itertools import product
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass

from skiagram.arrays import Floats, Whole
from skiagram.compiled.loops import compiled
from skiagram.features.family import Ascending, WholeImageFamily
from skiagram.strict import STRICT


@compiled
def magnitude_moments(
    images: Floats, centre: Floats, across: Floats, down: Floats, rows: Whole, columns: Whole
) -> Floats:
    """Compute the mean magnitude, and the mean squared one, of two filters.

    The filter is the product of one along the rows and one along the columns. Rows are filtered
    as they are needed and kept as long as they are, so that memory does not grow with the height.

    Args:
        centre: (n,) taken away from the intensities.
        across: (2, radius + 1) cosine (even) and sine (odd) weights along a row, from the middle.
        down: (2, radius + 1) the same along a column.
        rows: (height + 2 radius,) which row of the image stands where, mirror images included.
        columns: (width + 2 radius,) the same of the columns.

    Returns:
        (n, 2, 2): for the filter whose wave runs right and down, then right and up; the mean of
        the magnitude, then of its square.
    """
    # A ring of rows that are filtered along x, as many as the column filter needs.
    n, height, width = images.shape
    radius = across.shape[1] - 1
    held = min(height, 2 * radius + 1)
    filtered = np.empty((held, 2, width))
    line = np.empty(width + 2 * radius)
    response = np.empty((4, width))
    moments = np.zeros((n, 2, 2))
    for image in range(n):
        ready = 0
        for y in range(height):
            # Rows are filtered when the window reaches them.
            while ready < min(height, y + radius + 1):
                for x in range(len(columns)):
                    line[x] = images[image, ready, columns[x]] - centre[image]
                _filter_row(line, across, filtered[ready % held])
                ready += 1
            _filter_column(filtered, down, rows[y : y + 2 * radius + 1], response)
            # Sums and differences of the four responses make the waves to either side.
            for x in range(width):
                even, odd = response[0, x], response[1, x]
                mixed, crossed = response[2, x], response[3, x]
                right_down = (even - odd) ** 2 + (mixed + crossed) ** 2
                right_up = (even + odd) ** 2 + (crossed - mixed) ** 2
                moments[image, 0, 0] += np.sqrt(right_down)
                moments[image, 0, 1] += right_down
                moments[image, 1, 0] += np.sqrt(right_up)
                moments[image, 1, 1] += right_up
    return moments / (height * width)


@compiled
def _filter_row(line: Floats, weights: Floats, filtered: Floats) -> None:
    """Write the cosine's and the sine's response along a row.

    Args:
        line: (width + 2 radius,) the row with its mirror images.
        weights: (2, radius + 1) from the middle.
        filtered: (2, width) is set.
    """
    # The middle weight; the sine has none.
    radius, width = weights.shape[1] - 1, filtered.shape[1]
    for x in range(width):
        filtered[0, x] = weights[0, 0] * line[radius + x]
        filtered[1, x] = 0.0
    # Pairs of pixels at equal distance on both sides.
    for step in range(1, radius + 1):
        cosine, sine = weights[0, step], weights[1, step]
        before, after = line[radius - step :], line[radius + step :]
        for x in range(width):
            filtered[0, x] += cosine * (after[x] + before[x])
            filtered[1, x] += sine * (after[x] - before[x])


@compiled
def _filter_column(filtered: Floats, weights: Floats, rows: Whole, response: Floats) -> None:
    """Write cosine · cosine, sine · sine, sine of cosine and cosine of sine for one row.

    Args:
        filtered: (held, 2, width) rows that are filtered along x, in a ring.
        weights: (2, radius + 1) from the middle.
        rows: (2 radius + 1,) which rows stand above and below.
        response: (4, width) is set.
    """
    radius, (held, _, width) = weights.shape[1] - 1, filtered.shape
    # As along rows, for both responses at once.
    middle = filtered[rows[radius] % held]
    for x in range(width):
        response[0, x] = weights[0, 0] * middle[0, x]
        response[1, x] = 0.0
        response[2, x] = 0.0
        response[3, x] = weights[0, 0] * middle[1, x]
    # Pairs of rows at equal distance above and below.
    for step in range(1, radius + 1):
        cosine, sine = weights[0, step], weights[1, step]
        above = filtered[rows[radius - step] % held]
        below = filtered[rows[radius + step] % held]
        for x in range(width):
            response[0, x] += cosine * (below[0, x] + above[0, x])
            response[1, x] += sine * (below[1, x] - above[1, x])
            response[2, x] += sine * (below[0, x] - above[0, x])
            response[3, x] += cosine * (below[1, x] + above[1, x])


_MOMENTS = ("mean", "standard_deviation")
_DEVIATIONS = 3  # of the Gaussian, at which the filter ends


Wavelength = Annotated[int, Field(ge=2, le=256)]
Wavelengths = Annotated[tuple[Wavelength, ...], Field(min_length=1), Ascending]


@dataclass(**STRICT)
class Gabor(WholeImageFamily):
    """Magnitude of the responses to a bank of Gabor filters.

    Manjunath and Ma, IEEE Trans. PAMI 18(8), 1996; the filters have a round Gaussian (Daugman,
    JOSA A 2(7), 1985). The image's mean is taken away before; beyond its border it goes on as its
    mirror image. Regions of interest are refused.

    Attributes:
        wavelengths: Of the waves, in pixels.
        orientations: Directions of the waves, evenly spread over half a turn, the first to the
            right, turning clockwise; whole degrees apart.
        bandwidth: Of the filters, in octaves, at half the largest response.
        aggregation: Each direction by itself; folders of earlier models say so.
    """

    wavelengths: Wavelengths
    orientations: Literal[2, 3, 4, 6, 12]
    bandwidth: Annotated[float, Field(ge=0.25, le=4)]
    aggregation: Literal["separate"] = "separate"

    prefix: ClassVar[str] = "gabor"

    def names(self) -> tuple[str, ...]:
        """List the feature names in column order; orientations in degrees."""
        return tuple(
            f"gabor_wavelength_{wavelength}_orientation_{degrees}_{moment}"
            for wavelength in self.wavelengths
            for degrees in range(0, 180, 180 // self.orientations)
            for moment in _MOMENTS
        )

    def describe(self, images: NDArray[Any]) -> Floats:
        """Compute the strengths of the waves in n images, (n, n_features), from 0."""
        grey = images.astype(np.float64, copy=False)
        centre = grey.mean(axis=(1, 2))
        # of each wave the mean magnitude and the mean squared one
        averages = np.empty((len(grey), len(self.wavelengths), self.orientations, 2))
        turns = range(self.orientations // 2 + 1)
        for (number, wavelength), turn in product(enumerate(self.wavelengths), turns):
            angle = np.pi * turn / self.orientations
            # the weights along rows and columns, as `magnitude_moments` reads them
            octave = 2**self.bandwidth
            width = np.sqrt(np.log(2) / 2) / np.pi * (octave + 1) / (octave - 1) * wavelength
            direction = np.array([np.cos(angle), np.sin(angle)])
            radius = int(np.ceil(max(*(_DEVIATIONS * width * direction), 1)))
            step = np.arange(radius + 1)
            gaussian = np.exp(-0.5 * (step / width) ** 2) / (np.sqrt(2 * np.pi) * width)
            phase = 2 * np.pi / wavelength * step * direction[:, None]
            across, down = np.stack([gaussian * np.cos(phase), gaussian * np.sin(phase)], axis=1)
            places = (np.pad(np.arange(size), radius, mode="symmetric") for size in grey.shape[1:])
            moments = magnitude_moments(grey, centre, across, down, *places)
            averages[:, number, -turn % self.orientations] = moments[:, 1]
            averages[:, number, turn] = moments[:, 0]
        # The deviation follows from both means.
        mean, square = averages[..., 0], averages[..., 1]
        deviation = np.sqrt(np.maximum(square - mean**2, 0))
        return np.stack([mean, deviation], axis=-1).reshape(len(grey), -1)
