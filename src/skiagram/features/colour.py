"""Feature family `colour`: moments of colour channels, hue, variety, contrast and asymmetry."""

from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass

from skiagram.arrays import Flags, Floats
from skiagram.errors import refusal
from skiagram.features.batch import FeatureBatch
from skiagram.features.discretisation import entropy as entropy_of_shares
from skiagram.features.family import DefinedFamily
from skiagram.features.feature import ratio
from skiagram.features.first_order import moments
from skiagram.images import ends_of
from skiagram.strict import STRICT, AboveZero

_MOMENTS = ("mean", "standard_deviation", "skewness")
_CHANNELS = ("red", "green", "blue", "lightness", "a", "b", "saturation", "value")
_LAB_CHANNELS = ("lightness", "a", "b")
_HUE = ("hue_cosine", "hue_sine", "hue_concentration")
_ASYMMETRY = ("asymmetry_left_right", "asymmetry_top_bottom")


@dataclass(**STRICT)
class Colour(DefinedFamily):
    """Colour moments (Stricker and Orengo, Proc. SPIE 2420, 1995) in sRGB, CIELAB and HSV.

    Channels are `red`, `green`, `blue` (sRGB), `lightness`, `a`, `b` (CIELAB), `saturation` and
    `value` (HSV); all but those of CIELAB lie in [0, 1]. Images of three channels only. In the
    formulas c is a channel, H the hue, S the saturation, N the number of pixels. With a region of
    interest its pixels alone count, and sides and mirror images are those of the box around it.

    Attributes:
        white: Value of a channel at full intensity; 255 in images of 8 bits. Values outside
            [0, white] are clipped.
        bins: Bins per channel of the joint histogram, whose entropy tells the variety of colours.
    """

    white: AboveZero
    bins: Annotated[int, Field(ge=2, le=16)]

    prefix: ClassVar[str] = "colour"

    def names(self) -> tuple[str, ...]:
        return tuple(
            f"colour_{name}"
            for name in (
                *(f"{channel}_{moment}" for channel in _CHANNELS for moment in _MOMENTS),
                *_HUE,
                "entropy",
                *(f"{channel}_contrast" for channel in _LAB_CHANNELS),
                *_ASYMMETRY,
            )
        )

    def extract(self, batch: FeatureBatch) -> Floats:
        """Compute the features of n images of three channels: red, green, blue.

        Returns:
            (n, 33) float64.

        Raises:
            DataError: Images have other channels, or are volumes.
        """
        # Of grey images no colour can be told.
        batch.check_planes("colour")
        images = batch.images
        number = 1 if images.ndim == 3 else images.shape[-1]
        if number != 3:
            raise refusal(
                "features.other_channels", channels=f"{number} channel{'s' * (number > 1)}"
            )
        inside = batch.inside("whole", "colour")
        if inside is None:
            return self._describe(images, np.ones(images.shape[1:3], dtype=np.bool_))
        # Each image is cut to the box around its own region.
        rows = []
        for image, region in zip(images, inside, strict=True):
            box = tuple(slice(first, last) for first, last in ends_of(region))
            rows.append(self._describe(image[box][None], region[box]))
        return np.vstack(rows)

    def _describe(self, images: NDArray[Any], inside: Flags) -> Floats:
        """Compute features of colour in one region.

        Args:
            images: (n, height, width, 3), of any range up to `white`.
            inside: (height, width), the pixels that count.

        Returns:
            (n, 33).
        """
        from skimage.color import rgb2hsv, rgb2lab  # of projects alone, and long to import

        # Three colour spaces of the same pixels.
        rgb = np.clip(images.astype(np.float64) / self.white, 0, 1)
        lab, hsv = rgb2lab(rgb), rgb2hsv(rgb)
        pixels = np.concatenate([rgb, lab, hsv], axis=-1)[:, inside]
        # mean, standard deviation and skewness of each channel but the hue
        columns = []
        for k in (*range(6), 7, 8):
            mean, variance, third, _ = moments(pixels[..., k])
            columns += [mean, np.sqrt(variance), ratio(third, variance**1.5)]
        # the mean colour difference (CIE 1976) from each mirror image, where both are in the region
        asymmetry = np.zeros((len(images), 2))
        for k, axis in enumerate((2, 1)):
            both = inside & np.flip(inside, axis - 1)
            if both.any():
                difference = np.linalg.norm(lab - np.flip(lab, axis), axis=-1)
                asymmetry[:, k] = difference[:, both].mean(axis=1)
        return np.hstack(
            [
                np.stack(columns, axis=1),
                hue_moments(pixels[..., 6], pixels[..., 7]),
                entropy(pixels[..., :3], self.bins)[:, None],
                contrast(lab, inside),
                asymmetry,
            ]
        )


def hue_moments(hue: Floats, saturation: Floats) -> Floats:
    """Compute the mean direction of the hue and how far the pixels agree on it.

    Hue is an angle and means nothing for grey, so each pixel counts by its saturation
    (Mardia and Jupp, *Directional Statistics*, 2000, §2.2).

    Args:
        hue: (n, pixels), in [0, 1].
        saturation: Likewise.

    Returns:
        (n, 3): cosine and sine of the mean hue, both 0 for an image without colour, and the
        resultant length in [0, 1].
    """
    total = saturation.sum(axis=1)
    direction = np.exp(2j * np.pi * hue)
    mean = (saturation * direction).sum(axis=1) / np.where(total > 0, total, 1)
    length = np.abs(mean)
    unit = np.where(length > 1e-12, mean / np.where(length > 1e-12, length, 1), 0)
    return np.stack([unit.real, unit.imag, length], axis=1)


def entropy(rgb: Floats, bins: int) -> Floats:
    """Compute the entropy of the joint histogram of three channels.

    Args:
        rgb: (n, pixels, 3) in [0, 1].
        bins: Of each channel.

    Returns:
        (n,) bits, at most 3 log₂ bins.
    """
    level = np.minimum((rgb * bins).astype(np.int64), bins - 1)
    cell = level @ np.array([bins**2, bins, 1])
    cell += np.arange(len(rgb))[:, None] * bins**3
    counts = np.bincount(cell.ravel(), minlength=len(rgb) * bins**3).reshape(len(rgb), -1)
    return entropy_of_shares(counts / counts.sum(axis=1, keepdims=True))


def contrast(lab: Floats, inside: Flags) -> Floats:
    """Compute the mean colour of the centre minus that of the surround, (n, 3) in CIELAB units.

    The centre is what lies in the ellipse of half the height and width, the surround the rest.

    Args:
        lab: (n, height, width, 3).
        inside: (height, width), the pixels that count.
    """
    # An ellipse of half the sides, in the middle of the image.
    height, width = lab.shape[1:3]
    y = (np.arange(height) + 0.5) / height - 0.5
    x = (np.arange(width) + 0.5) / width - 0.5
    ellipse: Flags = np.hypot(y[:, None], x) <= 0.25
    centre, surround = inside & ellipse, inside & ~ellipse
    if not centre.any() or not surround.any():  # too small to have both
        return np.zeros((len(lab), 3))
    return lab[:, centre].mean(axis=1) - lab[:, surround].mean(axis=1)
