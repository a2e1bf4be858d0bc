"""What a reader makes of a file: an image, the distance of its pixels, and what the file said."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from skiagram.images import Image, Region, Spacing
from skiagram.readers.grid import VoxelGrid

MadeGray = Literal["", "tinted", "colour", "transparent"]


@dataclass(frozen=True)
class SpacedImage:
    """An image and the distance of its pixels.

    Attributes:
        pixels: (height, width) or (height, width, channels), or a volume of (depth, height, width,
            1); a missing pixel is NaN in float32.
        spacing: Between slices (a volume's alone), rows and columns, mm; None where unknown.
        modality: DICOM Modality of its file; empty where the file names none.
        region: The region of interest; None for the whole image.
        text_expected: Why its header lets expect text in the pixels; empty where nothing does.
        grid: Where a volume's voxels lie; None of plane images, and where nobody says.
        made_gray: Whether its file holds gray in three channels that hardly differ (`tinted`),
            `colour` that was turned gray as asked for, or `transparent` pixels, which were laid on
            black then; empty for none of these.
        stored_bits: Bits of a film in DICOM, which say how bright the brightest pixel can be: those
            of its VOI LUT, else Bits Stored where nothing scales it; 0 of all others.
        made_colour: Whether three equal channels were made of a gray image.
        padding: Stored values that its header calls padding, where the region, or the whole image,
            has voxels of them; empty for none.
    """

    pixels: Image
    spacing: Spacing | None = None
    modality: str = ""
    region: Region | None = None
    text_expected: str = ""
    grid: VoxelGrid | None = None
    made_gray: MadeGray = ""
    stored_bits: int = 0
    made_colour: bool = False
    padding: str = ""

    def in_colour(self) -> "SpacedImage":
        """Turn a gray image into one of three equal channels; any other stays as it is."""
        if self.pixels.ndim != 2:
            return self
        return replace(self, pixels=np.stack([self.pixels] * 3, axis=-1), made_colour=True)
