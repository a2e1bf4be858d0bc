"""The data: example images before and after restoration, and what restoration did to the cases."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image as Picture
from scipy.ndimage import binary_erosion

from skiagram.image_store.shards import Image, Region, Spacing, is_volume
from skiagram.image_store.store import ImageStore
from skiagram.records import Cases, Task
from skiagram.report.formatting import format_count, format_decimal

MISSING_COLOUR = (230, 60, 160)
_WINDOW = (1.0, 99.0)
_LONGEST_SIDE = 256
OUTLINE_COLOUR = (255, 196, 0)
_PLANE_SIDE = 160  # pixels of the longest side of a region's planes
_GAP = 4


@dataclass(frozen=True)
class Example:
    """One development case before and after restoration.

    Attributes:
        case_id: Opaque id.
        label: Class name.
        before: `data:` address of the image as ingested; missing pixels in `MISSING_COLOUR`.
        after: `data:` address of the restored image in the same grey window.
        removed: `data:` address of before − after; mid-grey means unchanged. Empty for regions,
            which restoration may bring to other pixels.
        shown: Which slice of a volume the pictures show; empty for an image.
        of_region: Whether a region of interest is shown with its outline.
    """

    case_id: str
    label: str
    before: str
    after: str
    removed: str
    shown: str = ""
    of_region: bool = False


def choose_examples(cases: Cases, task: Task, per_class: int) -> list[tuple[str, str]]:
    """Return (case id, class name) of the first development patients of each class.

    Ids are opaque and given after a shuffle, so the first ones are a random draw that no score
    has touched. No two images of a class are of one patient.

    Args:
        cases: All cases; sealed ones are never shown.
        task: Names the classes.
        per_class: Examples of each class, ≥ 1.
    """
    development = cases.development()
    chosen: list[tuple[str, str]] = []
    for label, name in enumerate(task.classes):
        of_class = development.select(development.label == label)
        _, first = np.unique(of_class.patient_id, return_index=True)
        ids = sorted(str(case_id) for case_id in of_class.case_id[first])
        chosen += [(case_id, name) for case_id in ids[:per_class]]
    return chosen


def load_examples(
    chosen: Sequence[tuple[str, str]], before: ImageStore, after: ImageStore
) -> list[Example]:
    """Return the chosen cases as pictures.

    Args:
        chosen: (case id, class name), as `choose` gives them.
        before: Images as ingested.
        after: The same images restored.
    """
    return [
        make_example(case_id, label, before.image(case_id), after.image(case_id))
        if after.region(case_id) is None
        else _make_region_example(case_id, label, before, after)
        for case_id, label in chosen
    ]


def _make_region_example(
    case_id: str, label: str, before: ImageStore, after: ImageStore
) -> Example:
    pictures, shown = [], ""
    for store in (before, after):
        image, region = store.image(case_id), store.region(case_id)
        assert region is not None  # noqa: S101 - a store has regions for all images or for none
        pictures.append(encode_picture(draw_region(image, region, store.spacing(case_id))))
        shown = shown or describe_place(image, region)
    return Example(case_id, label, pictures[0], pictures[1], "", shown, of_region=True)


def make_example(case_id: str, label: str, before: Image, after: Image) -> Example:
    """Return one case as pictures.

    Args:
        case_id: Opaque id.
        label: Class name.
        before: (height, width[, channels]) or (depth, height, width, 1) as ingested; missing pixels
            are NaN.
        after: The same image restored.
    """
    raw, restored = _select_pixels(before), _select_pixels(after)
    low, width = _grey_window(restored)
    change = np.where(np.isfinite(raw), raw - restored, 0.0)
    return Example(
        case_id,
        label,
        before=_encode_png(raw, low, width),
        after=_encode_png(restored, low, width),
        removed=_encode_png(change, -width / 2, width),
        shown=name_slice(before),
    )


def encode_case(store: ImageStore, case_id: str) -> str:
    """Return the image of a case as a `data:` address, with its region's outline if it has one.

    Args:
        store: Restored images; of a volume without a region the middle slice is shown.
        case_id: Which of them.
    """
    image, region = store.image(case_id), store.region(case_id)
    if region is not None:
        return encode_picture(draw_region(image, region, store.spacing(case_id)))
    pixels = _select_pixels(image)
    return _encode_png(pixels, *_grey_window(pixels))


def name_slice(image: Image) -> str:
    """Return which slice of a volume its picture shows, counted from 1; empty for an image."""
    return f"slice {len(image) // 2 + 1} of {len(image)}" if is_volume(image) else ""


def _grey_window(pixels: NDArray[np.float64]) -> tuple[float, float]:
    """Return the lowest grey level shown and the width of the window."""
    low, high = np.nanpercentile(pixels, _WINDOW) if np.isfinite(pixels).any() else (0.0, 1.0)
    return float(low), max(float(high - low), 1e-12)


def _select_pixels(image: Image) -> NDArray[np.float64]:
    """Return grey or RGB; of any other number of channels the middle one, as of slices."""
    pixels = (image[len(image) // 2, ..., 0] if is_volume(image) else image).astype(np.float64)
    return pixels if pixels.ndim == 2 or pixels.shape[2] == 3 else pixels[..., pixels.shape[2] // 2]


def _encode_png(pixels: NDArray[np.float64], low: float, width: float) -> str:
    missing = ~np.isfinite(pixels)
    grey = np.clip((np.where(missing, low, pixels) - low) / width, 0, 1)
    colour = grey if grey.ndim == 3 else np.repeat(grey[..., None], 3, axis=2)
    shown = np.round(colour * 255).astype(np.uint8)
    shown[missing.any(axis=2) if missing.ndim == 3 else missing] = MISSING_COLOUR
    return encode_picture(shown, (_LONGEST_SIDE, _LONGEST_SIDE))


def encode_picture(shown: NDArray[np.uint8], most: tuple[int, int] | None = None) -> str:
    """Return a picture as a `data:` address.

    Args:
        shown: (height, width) or (height, width, 3).
        most: Greatest width and height; a larger picture is reduced.
    """
    picture = Picture.fromarray(shown)
    if most is not None:
        picture.thumbnail(most, Picture.Resampling.BOX)
    file = io.BytesIO()
    picture.save(file, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def describe_treatment(table: pd.DataFrame) -> tuple[str, ...]:
    """Return one sentence per kind of fault.

    Args:
        table: Columns `missing`, `outliers` (pixels), `dead_lines` (rows and columns) and `noise`
            (standard deviation, intensity units; NaN where none was removed), one row per case.
    """
    if table.empty:
        return ("No case was restored.",)
    cases = f"{format_count(len(table))} cases"
    return (
        _describe_pixels(table["missing"], cases, "missing pixels"),
        _describe_pixels(table["outliers"], cases, "outlier pixels that were replaced"),
        _describe_pixels(table["dead_lines"], cases, "dead rows or columns that were replaced"),
        _describe_noise(table["noise"]),
    )


def _describe_pixels(pixels: "pd.Series[int]", cases: str, what: str) -> str:
    touched = pixels[pixels > 0]
    if touched.empty:
        return f"No case had {what}."
    median, most = format_count(float(touched.median())), format_count(int(touched.max()))
    return (
        f"{format_count(len(touched))} of {cases} had {what} "
        f"(per such case: median {median}, at most {most})."
    )


def _describe_noise(noise: "pd.Series[float]") -> str:
    removed = noise.dropna()
    if removed.empty:
        return "No noise was removed."
    quarters = [format_decimal(float(value)) for value in removed.quantile([0.25, 0.5, 0.75])]
    return (
        f"Standard deviation of the removed noise: median {quarters[1]} "
        f"(quartiles {quarters[0]}–{quarters[2]}), in the units of the images."
    )


def draw_region(image: Image, region: Region, spacing: Spacing | None) -> NDArray[np.uint8]:
    """Return the planes through a region as one picture.

    A volume is cut where the region is largest, across, from the front and from the side; voxels
    that are longer than wide are drawn so. The grey window is from the 1st to the 99th percentile
    of the planes.

    Args:
        image: (height, width), or (depth, height, width, 1); missing pixels are NaN.
        region: Its region; the outline as drawn is shown.
        spacing: As the store gives it, mm; None draws square pixels.

    Returns:
        (height, width, 3), planes side by side.
    """
    outline = region.inside if region.outline is None else region.outline
    volume = image[..., 0] if is_volume(image) else _grey(image)[None]
    mask = outline.reshape(volume.shape)
    distances = (1.0,) * 3 if spacing is None else (*(1.0,) * (3 - len(spacing)), *spacing)
    axes = (0, 1, 2) if is_volume(image) else (0,)
    planes = [_cut(volume, mask, distances, axis) for axis in axes]
    shown = np.concatenate([plane.ravel() for plane, _ in planes])
    known = shown[np.isfinite(shown)]
    low, high = np.percentile(known, _WINDOW) if len(known) else (0.0, 1.0)
    longest = max(max(plane.shape) for plane, _ in planes)
    pictures = [
        _colour(plane, inside, float(low), float(high), _PLANE_SIDE / longest)
        for plane, inside in planes
    ]
    return _side_by_side(pictures)


def describe_place(image: Image, region: Region) -> str:
    """Return which planes `draw_region` shows, counted from 1; empty for an image."""
    if not is_volume(image):
        return ""
    outline = region.inside if region.outline is None else region.outline
    places = [_largest(outline, axis) + 1 for axis in range(3)]
    kinds = ("slice", "row", "column")
    return ", ".join(f"{kind} {place}" for kind, place in zip(kinds, places, strict=True))


def _grey(image: Image) -> NDArray[np.float64]:
    values: NDArray[np.float64] = image.astype(np.float64)
    return values if values.ndim == 2 else values.mean(axis=2)


def _largest(mask: NDArray[np.bool_], axis: int) -> int:
    others = tuple(other for other in range(3) if other != axis)
    return int(np.argmax(mask.sum(axis=others)))


def _cut(
    volume: Image, mask: NDArray[np.bool_], spacing: tuple[float, ...], axis: int
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return a plane and its region in square pixels of one size, the patient's head on top."""
    place = _largest(mask, axis)
    plane = np.take(volume, place, axis=axis).astype(np.float64)
    inside = np.take(mask, place, axis=axis)
    sides = [distance for other, distance in enumerate(spacing) if other != axis]
    shortest = min(sides if len(volume) == 1 else spacing)  # one scale for all planes
    factors = [side / shortest for side in sides]
    if max(factors) > 1:
        plane, inside = _enlarge(plane, factors), _enlarge(inside, factors)
    return (plane, inside) if axis == 0 else (plane[::-1], inside[::-1])


def _enlarge(values: NDArray[Any], factors: list[float]) -> NDArray[Any]:
    """Return a plane with each pixel as often as its factor says, in rows and columns."""
    rows, columns = (
        np.floor((np.arange(round(size * factor)) + 0.5) / factor).astype(int).clip(0, size - 1)
        for size, factor in zip(values.shape, factors, strict=True)
    )
    enlarged: NDArray[Any] = values[np.ix_(rows, columns)]
    return enlarged


def _colour(
    plane: NDArray[np.float64], inside: NDArray[np.bool_], low: float, high: float, scale: float
) -> NDArray[np.uint8]:
    plane, inside = _enlarge(plane, [scale] * 2), _enlarge(inside, [scale] * 2)
    grey = np.clip((np.nan_to_num(plane, nan=low) - low) / max(high - low, 1e-12), 0, 1)
    picture = np.repeat(np.round(grey * 255).astype(np.uint8)[..., None], 3, axis=2)
    picture[inside & ~binary_erosion(inside)] = OUTLINE_COLOUR
    return picture


def _side_by_side(pictures: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    height = max(len(picture) for picture in pictures)
    width = sum(picture.shape[1] + _GAP for picture in pictures) - _GAP
    whole, left = np.zeros((height, width, 3), np.uint8), 0
    for picture in pictures:
        whole[: len(picture), left : left + picture.shape[1]] = picture
        left += picture.shape[1] + _GAP
    return whole
