"""What happens to the pixels of a film before they are stored, of a new film too.

New films must be digitised as the published ones were: 8 bits, pixels of 200 µm, 1024 × 1024 of
them. On which side the chest wall is follows from the breast, as no name tells it.
"""

import math
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass

from skiagram.datasets.contract import SpacedImage
from skiagram.datasets.mini_mias.breast import block_means, find_breast, wall_on_right
from skiagram.datasets.mini_mias.films import SIDE, SPACING
from skiagram.errors import DataError
from skiagram.options import STRICT

Side = Annotated[int, Field(ge=16, le=SIDE)]


@dataclass(**STRICT)
class WholeFilm:
    """A whole film, masked, turned and averaged.

    Attributes:
        size: Side of an image after averaging over square blocks.
        mask: Whether all outside the breast is set to 0.
        orient: Whether a film with the chest wall on the right is mirrored.
    """

    size: Side
    mask: bool
    orient: bool

    def acquire(self, film: SpacedImage) -> SpacedImage:
        """Turn a film of 1024 × 1024 uint8 into (size, size) float32, 0 to 255.

        Raises:
            DataError: It is no film of that kind, or no breast is found.
        """
        pixels = _require_digitised(
            film, SIDE, "whole films", "digitise the film like the training films"
        )
        breast = find_breast(pixels)
        if not breast.blocks.any():
            raise DataError("no breast is found", allowed="films of a breast on a dark background")
        if self.mask:
            pixels = np.where(breast.mask(), pixels, np.uint8(0))
        if self.orient and wall_on_right(breast.blocks):
            pixels = pixels[:, ::-1]
        return average_blocks(pixels, self.size)


@dataclass(**STRICT)
class FilmPatch:
    """A square that was cut out around a place; which place, no film tells.

    Attributes:
        region: Side of the square in film pixels.
        size: Side of an image after averaging over square blocks.
        mask: Whether all outside the breast was set to 0 before.
        orient: Whether the chest wall was turned to the left before.
    """

    region: Side
    size: Side
    mask: bool
    orient: bool

    def acquire(self, film: SpacedImage) -> SpacedImage:
        """Turn a square of (region, region) uint8 into (size, size) float32, 0 to 255.

        Raises:
            DataError: It is no square of that size; a whole film above all.
        """
        done = [*["chest wall on the left"] * self.orient, *["black off the breast"] * self.mask]
        cut = "squares cut out around a place to judge"
        remedy = "cut the square out; the model classifies a lesion and does not find it"
        return average_blocks(
            _require_digitised(film, self.region, ", ".join([cut, *done]), remedy), self.size
        )


def average_blocks(pixels: NDArray[np.uint8], size: int) -> SpacedImage:
    """Average a square image over square blocks: (size, size) float32, its pixels further apart."""
    block = len(pixels) // size
    return SpacedImage(block_means(pixels, block), (block * SPACING, block * SPACING))


def _require_digitised(film: SpacedImage, side: int, kind: str, remedy: str) -> NDArray[np.uint8]:
    pixels, spacing = film.pixels, film.spacing
    known = spacing or (SPACING, SPACING)
    if (
        pixels.dtype == np.uint8
        and pixels.shape == (side, side)
        and all(math.isclose(distance, SPACING, rel_tol=0.01) for distance in known)
    ):
        return pixels
    shape = " × ".join(map(str, pixels.shape))
    distance = f" of {known[0]:g} × {known[1]:g} mm" if spacing else ""
    raise DataError(
        f"{shape} pixels of type {pixels.dtype}{distance}",
        allowed=f"{kind}: {side} × {side} pixels of {SPACING} mm, uint8",
        remedy=remedy,
    )
