"""Feature family `colour`: moments of colour channels, hue, variety, contrast and asymmetry."""

from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass

from skiagram.errors import DataError
from skiagram.features.batch import FeatureBatch
from skiagram.features.family import DefinedFamily
from skiagram.features.feature import Flags, Floats, ratio
from skiagram.features.first_order import moments
from skiagram.strict import (
    STRICT,
)

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
    formulas c is a channel, H the hue, S the saturation, N the number of pixels.

    Attributes:
        white: Value of a channel at full intensity; 255 in images of 8 bits. Values outside
            [0, white] are clipped.
        bins: Bins per channel of the joint histogram, whose entropy tells the variety of colours.
    """

    white: Annotated[float, Field(gt=0)]
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
        """Compute the features of n images of three channels: red, green, blue; (n, 33)."""
        from skimage.color import rgb2hsv, rgb2lab  # of projects alone, and long to import

        batch.check_planes("colour")
        images = batch.images
        number = 1 if images.ndim == 3 else images.shape[-1]
        if number != 3:
            raise DataError(
                f"`colour` is not defined for {number} channel" + "s" * (number > 1),
                where="features",
                allowed="3 channels (red, green, blue)",
                remedy="leave `colour` out of `features`",
            )
        rgb = np.clip(images.astype(np.float64) / self.white, 0, 1)
        lab, hsv = rgb2lab(rgb), rgb2hsv(rgb)
        # mean, standard deviation and skewness of each channel
        channels = np.concatenate([rgb, lab, hsv[..., 1:]], axis=-1)
        columns = []
        for k in range(channels.shape[-1]):
            mean, variance, third, _ = moments(channels[..., k].reshape(len(images), -1))
            columns += [mean, np.sqrt(variance), ratio(third, variance**1.5)]
        # the mean colour difference (CIE 1976) from each mirror image
        mirrored = (lab[:, :, ::-1], lab[:, ::-1])
        asymmetry = [np.linalg.norm(lab - other, axis=-1).mean(axis=(1, 2)) for other in mirrored]
        return np.hstack(
            [
                np.stack(columns, axis=1),
                hue_moments(hsv),
                entropy(rgb, self.bins)[:, None],
                contrast(lab),
                np.stack(asymmetry, axis=1),
            ]
        )


def hue_moments(hsv: Floats) -> Floats:
    """Return the mean direction of the hue and how far the pixels agree on it.

    Hue is an angle and means nothing for grey, so each pixel counts by its saturation
    (Mardia and Jupp, *Directional Statistics*, 2000, §2.2).

    Args:
        hsv: (n, height, width, 3), each in [0, 1].

    Returns:
        (n, 3): cosine and sine of the mean hue, both 0 for an image without colour, and the
        resultant length in [0, 1].
    """
    weight = hsv[..., 1].reshape(len(hsv), -1)
    total = weight.sum(axis=1)
    direction = np.exp(2j * np.pi * hsv[..., 0].reshape(len(hsv), -1))
    mean = (weight * direction).sum(axis=1) / np.where(total > 0, total, 1)
    length = np.abs(mean)
    unit = np.where(length > 1e-12, mean / np.where(length > 1e-12, length, 1), 0)
    return np.stack([unit.real, unit.imag, length], axis=1)


def entropy(rgb: Floats, bins: int) -> Floats:
    """Return the entropy in bits of the joint histogram of (n, height, width, 3), (n,)."""
    level = np.minimum((rgb * bins).astype(np.int64), bins - 1)
    cell = (level @ np.array([bins**2, bins, 1])).reshape(len(rgb), -1)
    cell += np.arange(len(rgb))[:, None] * bins**3
    counts = np.bincount(cell.ravel(), minlength=len(rgb) * bins**3).reshape(len(rgb), -1)
    share = counts / counts.sum(axis=1, keepdims=True)
    bits: Floats = -np.sum(share * np.log2(np.where(share > 0, share, 1)), axis=1)
    return bits


def contrast(lab: Floats) -> Floats:
    """Return the mean colour of the centre minus that of the surround, (n, 3) in CIELAB units.

    The centre is the ellipse of half the image's height and width.
    """
    height, width = lab.shape[1:3]
    y = (np.arange(height) + 0.5) / height - 0.5
    x = (np.arange(width) + 0.5) / width - 0.5
    centre: Flags = np.hypot(y[:, None], x) <= 0.25
    if centre.all() or not centre.any():  # too small to have both
        return np.zeros((len(lab), 3))
    difference: Floats = lab[:, centre].mean(axis=1) - lab[:, ~centre].mean(axis=1)
    return difference
