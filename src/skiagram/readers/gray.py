"""Gray pictures that are stored in colour, and colour pictures that are turned gray.

A picture whose channels hardly differ is gray: JPEG, and programs that convert between spaces of
colour, leave differences of a few levels. That is judged by the picture alone. The gray value is
the luma of Recommendation ITU-R BT.601, as of Pillow's `convert("L")`.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from skiagram.images import Image
from skiagram.readers.spaced_image import MadeGray, SpacedImage

MAX_TINT = 8  # of 255, between the channels of a pixel of a gray picture


def luma(colour: Image) -> NDArray[Any]:
    """Compute the luma of red, green and blue; equal channels keep their values.

    Args:
        colour: (height, width, 3) uint8.

    Returns:
        (height, width) uint8.
    """
    return np.array(Pillow.fromarray(colour).convert("L"))


def gray_if_equal(colour: Image) -> Image:
    """Turn a picture of three equal channels gray; any other stays as it is."""
    equal = (colour == colour[..., :1]).all()
    return np.ascontiguousarray(colour[..., 0]) if equal else colour


def gray_if_tinted(image: SpacedImage) -> SpacedImage:
    """Turn an image gray whose channels differ by at most `MAX_TINT`; any other stays as it is.

    Args:
        image: Of 8 bits, gray or in colour.
    """
    colour = image.pixels
    if colour.ndim != 3 or (colour.max(axis=-1) - colour.min(axis=-1)).max() > MAX_TINT:
        return image
    return replace(image, pixels=luma(colour), made_gray=image.made_gray or "tinted")


def in_gray(image: SpacedImage) -> SpacedImage:
    """Turn a colour image gray; any other stays as it is.

    Args:
        image: Of 8 bits, gray or in colour.
    """
    if image.pixels.ndim != 3:
        return image
    return replace(image, pixels=luma(image.pixels), made_gray=image.made_gray or "colour")


def describe_gray(made: Iterable[MadeGray]) -> tuple[str, ...]:
    """Say how many images were not stored as gray; nothing where all were.

    Args:
        made: `made_gray` of `SpacedImage`, of all images.
    """
    # Each kind of image that was made gray has a sentence.
    counts = Counter(made)
    weights = "(luma of ITU-R BT.601)"
    sentences: dict[MadeGray, str] = {
        "tinted": "of {} images hold gray in three channels that differ by at most "
        f"{MAX_TINT} of 255; they are read as gray {weights}.",
        "colour": f"of {{}} images are in colour; they are turned gray {weights}.",
        "transparent": "of {} images have transparent pixels; they are laid on black, and are gray "
        f"{weights}.",
    }
    # In the order of the sentences, for the kinds that occur.
    return tuple(
        f"{counts[kind]} {sentence.format(counts.total())}"
        for kind, sentence in sentences.items()
        if counts[kind]
    )
