"""Images as pictures of a page: grey windows, slices of volumes, outlines of regions."""

import base64
import io
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import scipy
from numpy.typing import NDArray
from PIL import Image as Picture
from PIL import ImageDraw

from skiagram.arrays import Flags, Floats
from skiagram.image_store.store import ImageStore
from skiagram.images import Image, Region, Spacing, is_volume
from skiagram.interpolation import take_nearest

MISSING_COLOUR = (230, 60, 160)
OUTLINE_COLOUR = (255, 196, 0)
HIT_COLOUR = (70, 220, 120)
FALSE_COLOUR = (255, 80, 70)
_WINDOW = (1.0, 99.0)  # percentiles
_LONGEST_SIDE = 256  # pixels of a picture
_PLANE_SIDE = 160  # pixels of the longest side of a region's planes
_GAP = 4
_BOX = Picture.Resampling.BOX


def encode_picture(shown: NDArray[np.uint8], most: int | None = None) -> str:
    """Encode a picture as a `data:` address, which a page holds without a file beside it.

    Args:
        shown: (height, width) or (height, width, 3) uint8.
        most: Longest side in pixels, to which a larger picture is averaged down; None leaves it.

    Returns:
        The address of a PNG, equal for equal pixels.
    """
    picture = Picture.fromarray(shown)
    if most is not None:
        picture.thumbnail((most, most), _BOX)
    file = io.BytesIO()
    picture.save(file, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def encode_case(store: ImageStore, case_id: str) -> str:
    """Encode the image of a case as a `data:` address, with its region's outline if it has one.

    Of a volume without a region the middle slice is shown. The grey window is that of the picture
    alone.

    Args:
        store: Where the image is.
        case_id: The case.
    """
    image, region = store.image(case_id), store.region(case_id)
    if region is not None:
        return encode_picture(draw_region(image, region, store.spacing(case_id)))
    pixels = _select_pixels(image)
    return _encode_pixels(pixels, *_grey_window(pixels))


def encode_change(before: Image, after: Image) -> tuple[str, str, str]:
    """Encode an image, what became of it, and the difference as `data:` addresses.

    The first two have one grey window; in the third mid-grey means unchanged. Missing pixels (NaN)
    have `MISSING_COLOUR`.

    Args:
        before: (height, width[, channels]) or (depth, height, width, 1).
        after: Of the same shape, in the same unit.
    """
    # One window for both, that of the result: an outlier would darken all else.
    raw, restored = _select_pixels(before), _select_pixels(after)
    low, width = _grey_window(restored)
    # What was missing is no change, whatever it was filled with.
    change = np.where(np.isfinite(raw), raw - restored, 0.0)
    return (
        _encode_pixels(raw, low, width),
        _encode_pixels(restored, low, width),
        _encode_pixels(change, -width / 2, width),
    )


def name_slice(image: Image) -> str:
    """Say which slice of a volume its picture shows, counted from 1; empty for an image."""
    return f"slice {len(image) // 2 + 1} of {len(image)}" if is_volume(image) else ""


def _grey_window(pixels: Floats) -> tuple[float, float]:
    """Find the lowest grey level shown and the width of the window.

    They are the 1st percentile of the known values and the distance to the 99th, which a few
    outliers do not move; the width is at least 1e-12, as it divides.
    """
    low, high = np.nanpercentile(pixels, _WINDOW) if np.isfinite(pixels).any() else (0.0, 1.0)
    return float(low), max(float(high - low), 1e-12)


def _select_pixels(image: Image) -> Floats:
    """Take what a picture shows of an image: float64, (height, width) or (height, width, 3).

    Of a volume it is the middle slice, of any other number of channels than three the middle one.
    """
    pixels = (image[len(image) // 2, ..., 0] if is_volume(image) else image).astype(np.float64)
    return pixels if pixels.ndim == 2 or pixels.shape[2] == 3 else pixels[..., pixels.shape[2] // 2]


def _encode_pixels(pixels: Floats, low: float, width: float) -> str:
    return encode_picture(_grey_picture(pixels, low, width), _LONGEST_SIDE)


def _grey_picture(pixels: Floats, low: float, width: float) -> NDArray[np.uint8]:
    """Turn values into (height, width, 3) uint8 within a grey window, missing ones in their colour.

    Args:
        pixels: (height, width) grey or (height, width, 3) colour; NaN and infinite values are
            missing.
        low: The value shown black.
        width: Distance from there to white, > 0.
    """
    missing = ~np.isfinite(pixels)
    grey = np.clip((np.where(missing, low, pixels) - low) / width, 0, 1)
    colour = grey if grey.ndim == 3 else np.repeat(grey[..., None], 3, axis=2)
    shown = np.round(colour * 255).astype(np.uint8)
    shown[missing.any(axis=2) if missing.ndim == 3 else missing] = MISSING_COLOUR
    return shown


class Circle(NamedTuple):
    """A circle, or a ball, to be drawn on an image.

    Attributes:
        centre: (3,) slice (NaN in plane images), row and column, pixels.
        radius: In mm, or in pixels where the spacing is unknown.
        dotted: As true lesions are.
    """

    centre: tuple[float, float, float]
    radius: float
    colour: tuple[int, int, int]
    dotted: bool = False


def encode_circles(image: Image, spacing: Spacing | None, circles: Iterable[Circle]) -> str:
    """Encode an image with circles as a `data:` address; of a volume the slice of the first one.

    A ball is drawn as the slice cuts it, and not at all where it lies off the slice. Where rows and
    columns are not equally far apart a circle is an ellipse.

    Args:
        image: (height, width[, channels]) or (depth, height, width, 1).
        spacing: Distance of slices, rows and columns, mm; None where it is unknown.
        circles: Marks and lesions; none of a volume shows its middle slice.
    """
    # A slice, where the image is a volume.
    circles = list(circles)
    sides = (1.0, 1.0, 1.0, *(spacing or ()))[-3:]
    depth = 0
    if is_volume(image):
        depth = round(circles[0].centre[0]) if circles else len(image) // 2
        image = image[depth]
    # Grey, and as large as a page shows it.
    pixels = _select_pixels(image)
    shown = Picture.fromarray(_grey_picture(pixels, *_grey_window(pixels)))
    scale = _LONGEST_SIDE / max(shown.size)
    scale = float(int(scale)) if scale > 1 else scale  # small images by whole pixels
    shown = shown.resize((round(shown.width * scale), round(shown.height * scale)), _BOX)
    # Each circle as it is cut by this slice.
    pen = ImageDraw.Draw(shown)
    for circle in circles:
        away = 0.0 if np.isnan(circle.centre[0]) else (circle.centre[0] - depth) * sides[0]
        if abs(away) > circle.radius:
            continue
        radius = float(np.sqrt(circle.radius**2 - away**2))
        y, x = ((place + 0.5) * scale for place in circle.centre[1:])
        high, wide = (max(3.0, radius / side * scale) for side in sides[1:])
        box = (x - wide, y - high, x + wide, y + high)
        # Twelve arcs: shorter ones look dotted.
        for start in range(0, 360, 30):
            pen.arc(box, start, start + (16 if circle.dotted else 30), circle.colour, width=2)
    return encode_picture(np.asarray(shown))


def draw_region(image: Image, region: Region, spacing: Spacing | None) -> NDArray[np.uint8]:
    """Draw the planes through a region, with its outline as drawn, as one RGB picture.

    A volume is cut where the region is largest, across, from the front and from the side; voxels
    that are longer than wide are drawn so. The grey window is from the 1st to the 99th percentile
    of the planes.

    Args:
        image: (height, width), or (depth, height, width, 1); missing pixels are NaN.
        region: Its region of interest.
        spacing: Distance of slices, rows and columns, mm; None where it is unknown.

    Returns:
        (height, width, 3) uint8, planes side by side.
    """
    # A volume of one slice stands for an image, its channels averaged.
    volume = (
        image[..., 0] if is_volume(image) else image.reshape(*image.shape[:2], -1).mean(2)[None]
    )
    mask = region.drawn.reshape(volume.shape)
    distances = (1.0, 1.0, 1.0, *(spacing or ()))[-3:]
    # each plane and its region in square pixels of one size, the patient's head on top
    planes = []
    for axis in (0, 1, 2) if is_volume(image) else (0,):
        place = _largest(mask, axis)
        plane = np.take(volume, place, axis=axis).astype(np.float64)
        inside = np.take(mask, place, axis=axis)
        sides = [distance for other, distance in enumerate(distances) if other != axis]
        shortest = min(sides if len(volume) == 1 else distances)  # one scale for all planes
        factors = [side / shortest for side in sides]
        if max(factors) > 1:
            plane, inside = _enlarge(plane, factors), _enlarge(inside, factors)
        planes.append((plane, inside) if axis == 0 else (plane[::-1], inside[::-1]))
    # drawn in one grey window and at one scale
    low, width = _grey_window(np.concatenate([plane.ravel() for plane, _ in planes]))
    scale = [_PLANE_SIDE / max(max(plane.shape) for plane, _ in planes)] * 2
    drawn = []
    for plane, inside in planes:
        plane, inside = _enlarge(plane, scale), _enlarge(inside, scale)
        picture = _grey_picture(np.nan_to_num(plane, nan=low), low, width)
        picture[inside & ~scipy.ndimage.binary_erosion(inside)] = OUTLINE_COLOUR
        drawn.append(picture)
    # side by side
    height = max(map(len, drawn))
    padded = [np.pad(each, ((0, height - len(each)), (0, _GAP), (0, 0))) for each in drawn]
    return np.hstack(padded)[:, :-_GAP]


def describe_place(image: Image, region: Region) -> str:
    """Say which planes `draw_region` shows, counted from 1; empty for an image.

    Args:
        image: The image or volume.
        region: Its region of interest.
    """
    if not is_volume(image):
        return ""
    kinds = ("slice", "row", "column")
    return ", ".join(
        f"{kind} {_largest(region.drawn, axis) + 1}" for axis, kind in enumerate(kinds)
    )


def _largest(mask: Flags, axis: int) -> int:
    """Find the plane across an axis in which a region has most voxels, the first of equal ones."""
    others = tuple(other for other in range(3) if other != axis)
    return int(np.argmax(mask.sum(axis=others)))


def _enlarge(values: NDArray[Any], factors: list[float]) -> NDArray[Any]:
    """Enlarge a plane by a factor for rows and one for columns, by the nearest pixel.

    Args:
        values: (rows, columns) of any type, whose values stay what they are.
        factors: Of rows and of columns, > 0.
    """
    sides = zip(values.shape, factors, strict=True)
    return take_nearest(values, [round(side * factor) for side, factor in sides])
