"""Feature family `granulometry`: how much of the image stands in structures of each size."""

from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass

from skiagram.compute.compiled import compiled
from skiagram.features.family import Ascending, WholeImageFamily
from skiagram.features.feature import ratio
from skiagram.options import STRICT

Floats = NDArray[np.float64]

_LANES = 64  # neighbouring lines that are worked on at once


@compiled
def erode(
    images: NDArray[np.float32], target: NDArray[np.float32], radius: int, sign: float
) -> None:
    """Write the least (sign 1) or greatest (sign −1) intensity in the square around each pixel.

    Squares are cut off at the border. Van Herk, Pattern Recognition Letters 13(7), 1992: three
    comparisons per pixel and axis.

    Args:
        images: (n, height, width).
        target: Of the same shape, or `images` itself.
        radius: Half the side of the square less half a pixel, from 1.
        sign: 1 for erosion, −1 for dilation.
    """
    n, height, width = images.shape
    down, right = min(radius, height - 1), min(radius, width - 1)
    longest = max(height + 2 * down, width + 2 * right)
    lines = np.empty((longest, _LANES), dtype=np.float32)
    behind = np.empty((longest, _LANES), dtype=np.float32)
    factor = np.float32(sign)
    for image in range(n):
        _erode_columns(images[image], target[image], down, factor, lines, behind)
        _erode_rows(target[image], right, factor, lines, behind)


@compiled
def _erode_columns(
    image: NDArray[np.float32],
    target: NDArray[np.float32],
    radius: int,
    factor: np.float32,
    lines: NDArray[np.float32],
    behind: NDArray[np.float32],
) -> None:
    height, width = image.shape
    for first in range(0, width, _LANES):
        lanes = min(_LANES, width - first)
        _frame(lines, height, radius)
        for y in range(height):
            for lane in range(lanes):
                lines[radius + y, lane] = factor * image[y, first + lane]
        _slide(lines, behind, height, radius)
        for y in range(height):
            for lane in range(lanes):
                target[y, first + lane] = behind[y, lane]


@compiled
def _erode_rows(
    target: NDArray[np.float32],
    radius: int,
    factor: np.float32,
    lines: NDArray[np.float32],
    behind: NDArray[np.float32],
) -> None:
    height, width = target.shape
    for first in range(0, height, _LANES):
        lanes = min(_LANES, height - first)
        _frame(lines, width, radius)
        for x in range(width):
            for lane in range(lanes):
                lines[radius + x, lane] = target[first + lane, x]
        _slide(lines, behind, width, radius)
        for lane in range(lanes):
            for x in range(width):
                target[first + lane, x] = factor * behind[x, lane]


@compiled
def _frame(lines: NDArray[np.float32], size: int, radius: int) -> None:
    """Set what lies before and behind the places of an image, and lanes that have none."""
    for place in range(size + 2 * radius):
        for lane in range(lines.shape[1]):
            lines[place, lane] = np.inf


@compiled
def _slide(lines: NDArray[np.float32], behind: NDArray[np.float32], size: int, radius: int) -> None:
    """Write into `behind` the least of each 2 radius + 1 places of `lines`, which it overwrites.

    In blocks of that length, the least from each place to its block's end and from its block's
    start to each place: every window is one of the former and one of the latter.
    """
    length, lanes, padded = 2 * radius + 1, lines.shape[1], size + 2 * radius
    for place in range(padded - 1, -1, -1):
        ends = place == padded - 1 or (place + 1) % length == 0
        for lane in range(lanes):
            here = lines[place, lane]
            after = here if ends else behind[place + 1, lane]
            behind[place, lane] = after if after < here else here
    for place in range(1, padded):
        if place % length > 0:
            for lane in range(lanes):
                before, here = lines[place - 1, lane], lines[place, lane]
                lines[place, lane] = before if before < here else here
    for place in range(size):
        for lane in range(lanes):
            ahead, here = lines[place + 2 * radius, lane], behind[place, lane]
            behind[place, lane] = ahead if ahead < here else here


Radius = Annotated[int, Field(ge=1, le=1024)]
Radii = Annotated[tuple[Radius, ...], Field(min_length=1), Ascending]


@dataclass(**STRICT)
class Granulometry(WholeImageFamily):
    """Pattern spectrum by grey openings and closings with flat squares of growing size.

    Maragos, IEEE Trans. PAMI 11(7), 1989. An opening takes away bright structures into which the
    square does not fit, a closing dark ones. What one size takes away more than the size before
    it, as a share of all that could be taken away (intensity above the image's minimum for
    openings, below its maximum for closings), is the spectrum: in [0, 1], of sum at most 1, and
    independent of the intensities' gain and offset. Regions of interest are
    refused.

    Attributes:
        radii: A square of radius r has a side of 2 r + 1 pixels.
    """

    radii: Radii

    prefix: ClassVar[str] = "granulometry"

    def names(self) -> tuple[str, ...]:
        """Return the feature names in column order."""
        steps = ("opening", "closing")
        return tuple(
            f"granulometry_{step}_radius_{radius}" for step in steps for radius in self.radii
        )

    def describe(self, images: NDArray[Any]) -> Floats:
        """Compute the spectra of n images, (n, n_features) in [0, 1]; 0 for constant images."""
        return np.hstack([self._spectrum(images, sign) for sign in (1, -1)])

    def _spectrum(self, grey: NDArray[Any], sign: int) -> Floats:
        """Return the spectrum of openings (sign 1) or of closings (sign −1)."""
        eroded = grey.astype(np.float32)
        opened = np.empty_like(eroded)
        left = sign * _mean(eroded)
        floor = eroded.min(axis=(1, 2)) if sign > 0 else -eroded.max(axis=(1, 2))
        whole, taken, eroded_by = left - floor, [], 0
        for radius in self.radii:
            erode(eroded, eroded, radius - eroded_by, sign)  # squares add up to larger ones
            erode(eroded, opened, radius, -sign)
            still = sign * _mean(opened)
            taken.append(ratio(np.maximum(left - still, 0), whole))
            left, eroded_by = still, radius
        return np.stack(taken, axis=1)


def _mean(images: NDArray[np.float32]) -> Floats:
    return images.mean(axis=(1, 2), dtype=np.float64)
