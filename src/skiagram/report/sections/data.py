"""The data: example images before and after restoration, and what restoration did to the cases."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image as Picture

from skiagram.image_store.shards import Image, is_volume
from skiagram.image_store.store import ImageStore
from skiagram.records import Cases, Task
from skiagram.report.formatting import format_count, format_decimal
from skiagram.report.region_pictures import describe_place, draw_region

MISSING_COLOUR = (230, 60, 160)
_WINDOW = (1.0, 99.0)
_LONGEST_SIDE = 256


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
        pictures.append(_address(draw_region(image, region, store.spacing(case_id))))
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
        return _address(draw_region(image, region, store.spacing(case_id)))
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
    return _address(shown, (_LONGEST_SIDE, _LONGEST_SIDE))


def _address(shown: NDArray[np.uint8], most: tuple[int, int] | None = None) -> str:
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
