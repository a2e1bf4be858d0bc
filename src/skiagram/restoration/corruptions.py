"""Images made worse, as a device or an archive would, by an amount that fits any depth.

Amounts of intensity are shares of the image's robust range: the span of its 5th to 95th percentile.
Faults of the detector (pixels without a value, or further than one such range outside it) stay as
they are: corruptions do not change them. Corrupted images are restored and described as clean ones.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image as Pillow
from scipy import ndimage

from skiagram.arrays import Floats
from skiagram.errors import refusal
from skiagram.images import Image, is_volume
from skiagram.restoration.missing import fill_locally

_GREYS = 255  # highest value of 8 bits


@dataclass(frozen=True)
class View:
    """An image as a corruption sees it.

    Attributes:
        pixels: (height, width, channels) with detector faults filled from their surroundings.
        low: 5th percentile of the image.
        high: 95th percentile.
    """

    pixels: Floats
    low: float
    high: float
    least: float
    eight_bits: bool

    @property
    def span(self) -> float:
        """Return the robust range, > 0."""
        return self.high - self.low


@dataclass(frozen=True)
class Corruption:
    """One way in which images get worse.

    Attributes:
        apply: Makes the values of a view, of equal shape, worse by an amount in (0, most].
    """

    title: str
    unit: str
    most: float
    apply: Callable[[View, float, np.random.Generator], Floats]


def corrupt(
    image: Image, corruption: Corruption, amount: float, generator: np.random.Generator
) -> Image:
    """Make one image worse.

    Args:
        image: (height, width) or (height, width, channels) of any depth; NaN is missing.

    Returns:
        The image in its own depth, rounded and clipped where that holds whole numbers only.
        An image of one value, or of none, has nothing to lose and is returned as it is.
    """
    if is_volume(image):
        raise refusal("restoration.corrupted_volume", slices=len(image))
    # The range of the image, without its most extreme pixels.
    values = image.reshape(*image.shape[:2], -1).astype(np.float64)
    finite = values[np.isfinite(values)]
    low, high = np.percentile(finite, (5, 95)).tolist() if len(finite) else (0.0, 0.0)
    if high <= low and len(finite):  # a small object on an empty background
        low, high = float(finite.min()), float(finite.max())
    if high <= low:
        return image
    # Missing pixels, and those far outside the range, are not worsened.
    with np.errstate(invalid="ignore"):
        faulty = ~((values >= 2 * low - high) & (values <= 2 * high - low))
    filled = values.copy()
    for channel in range(values.shape[2]):
        gaps = faulty[:, :, channel]
        if gaps.any() and not gaps.all():
            plane = values[:, :, channel].astype(np.float32)
            filled[gaps, channel] = fill_locally(plane, gaps, 1)[gaps]
    # The corruption sees a filled image; what was faulty stays as it was.
    view = View(np.nan_to_num(filled), low, high, float(finite.min()), image.dtype == np.uint8)
    worse = np.where(faulty, values, corruption.apply(view, amount, generator))
    # Back to the type of the image.
    if np.issubdtype(image.dtype, np.integer):
        limits = np.iinfo(image.dtype)
        worse = np.clip(np.rint(worse), limits.min, limits.max)
    return worse.astype(image.dtype).reshape(image.shape)


def _noise(view: View, amount: float, generator: np.random.Generator) -> Floats:
    return view.pixels + amount * view.span * generator.standard_normal(view.pixels.shape)


def _blur(view: View, amount: float, generator: np.random.Generator) -> Floats:  # noqa: ARG001
    blurred: Floats = ndimage.gaussian_filter(view.pixels, (amount, amount, 0), mode="reflect")
    return blurred


def _contrast(view: View, amount: float, generator: np.random.Generator) -> Floats:  # noqa: ARG001
    middle = float(np.median(view.pixels))
    return middle + (1 - amount) * (view.pixels - middle)


def _brightness(view: View, amount: float, generator: np.random.Generator) -> Floats:  # noqa: ARG001
    return view.pixels + amount * view.span


def _jpeg(view: View, amount: float, generator: np.random.Generator) -> Floats:  # noqa: ARG001
    """Code in 8 bits: those of the image, else a window of one range to either side of its own."""
    # From the image's range to 8 bits.
    low = 0.0 if view.eight_bits else view.low - view.span
    step = 1.0 if view.eight_bits else 3 * view.span / _GREYS
    greys = np.clip(np.rint((view.pixels - low) / step), 0, _GREYS).astype(np.uint8)
    # Three channels are one coloured picture, others are coded one by one.
    pictures, decoded = [greys] if greys.shape[2] == 3 else np.moveaxis(greys, 2, 0), []
    for picture in pictures:
        file = io.BytesIO()
        Pillow.fromarray(picture).save(file, format="JPEG", quality=round(100 - amount))
        decoded.append(np.asarray(Pillow.open(file)))
    return low + step * np.dstack(decoded).astype(np.float64)


def _missing_lines(view: View, amount: float, generator: np.random.Generator) -> Floats:
    """Give rows the least value of the image, as a detector's dead rows have."""
    height = len(view.pixels)
    rows = generator.choice(height, max(1, round(amount * height)), replace=False)
    worse = view.pixels.copy()
    worse[rows] = view.least
    return worse


def _rotation(view: View, amount: float, generator: np.random.Generator) -> Floats:
    """Turn left or right by cubic splines; what comes in at the corners mirrors the image."""
    angle = amount if generator.random() < 0.5 else -amount
    turned = ndimage.rotate(view.pixels, angle, reshape=False, order=3, mode="reflect")
    clipped: Floats = np.clip(turned, view.pixels.min(), view.pixels.max())
    return clipped


CORRUPTIONS = {
    "noise": Corruption("Noise", "standard deviation, share of the image’s range", 10, _noise),
    "blur": Corruption("Blur", "standard deviation of the Gaussian, pixels", 100, _blur),
    "contrast": Corruption("Loss of contrast", "share lost", 0.99, _contrast),
    "brightness": Corruption("Brightness", "shift, share of the image’s range", 10, _brightness),
    "jpeg": Corruption("JPEG", "100 − quality", 99, _jpeg),
    "missing_lines": Corruption("Missing lines", "share of rows", 0.9, _missing_lines),
    "rotation": Corruption("Rotation", "degrees, to either side", 180, _rotation),
}
