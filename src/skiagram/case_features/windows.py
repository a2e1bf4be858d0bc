"""Features of windows around places of images, by the families that describe whole images.

An image is averaged once to pixels of the window's size; a window is then a cut, so that its
features are those of a small image whatever the pixels of the file. Beyond the image's edge it is
mirrored.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated

import numpy as np
import pandas as pd
from pydantic import Field
from pydantic.dataclasses import dataclass

from skiagram.arrays import Floats, Singles, Whole
from skiagram.case_features.extraction import Family, describe_batch
from skiagram.compute.progress import Progress
from skiagram.compute.workers import IN_PROCESS, Compute
from skiagram.errors import refusal
from skiagram.features.batch import FeatureBatch
from skiagram.features.family import FeatureFamily, families_of_images
from skiagram.image_store.store import ImageStore, Span, spans
from skiagram.images import Image, Spacing
from skiagram.records.feature_table import FeatureTable
from skiagram.records.places import coordinates, of_cases
from skiagram.strict import STRICT, AboveZero

_SPAN_VALUES = 2**19
_BATCH_VALUES = 2**17


@dataclass(**STRICT)
class Windows:
    """The windows that are described around each place.

    Attributes:
        widths: Of the windows, in mm (pixels where the spacing is unknown), one or more.
        side: Pixels of a window along each axis after averaging.
    """

    widths: tuple[AboveZero, ...] = Field(min_length=1)
    side: Annotated[int, Field(ge=8)]

    def cut(self, image: Image, spacing: Spacing | None, centres: Floats, width: float) -> Singles:
        """Return (n, [side,] side, side[, channels]) cuts around (n, axes) pixels of an image."""
        from skimage.transform import resize_local_mean  # of projects alone, and long to import

        axes = centres.shape[1]
        pixel = width / self.side
        sides = np.array(spacing or (1.0,) * axes)
        shape = np.maximum(np.round(np.array(image.shape[:axes]) * sides / pixel), 1).astype(int)
        whole = (*shape.tolist(), *image.shape[axes:])
        averaged = resize_local_mean(np.asarray(image, np.float32), whole, preserve_range=True)
        half = self.side // 2
        around = [(half, self.side)] * axes + [(0, 0)] * (image.ndim - axes)
        padded = np.pad(averaged.astype(np.float32), around, mode="symmetric")
        # The centre of a pixel in pixels of the averaged image.
        scale = shape / np.array(image.shape[:axes])
        first = np.round((centres + 0.5) * scale - self.side / 2).astype(int) + half
        first = np.clip(first, 0, shape - 1 + half)
        cuts = [
            padded[tuple(slice(start, start + self.side) for start in at)] for at in first.tolist()
        ]
        return np.stack(cuts)


def describe_places(
    store: ImageStore,
    places: pd.DataFrame,
    families: Sequence[Family],
    windows: Windows,
    compute: Compute = IN_PROCESS,
) -> FeatureTable:
    """Compute the features of windows around places: a row for each place, in the table's order.

    With windows of several widths, features are called `<width>mm.<feature>`.

    Args:
        places: Rows of a case stand together, in the store's order, as `propose` leaves them.
    """
    image_families = families_of_images(families)
    plain = [name for family in image_families for name in family.names()]
    several = len(windows.widths) > 1
    names = [
        f"{width:.0f}mm.{name}" if several else name for width in windows.widths for name in plain
    ]
    case_id = places["case_id"].to_numpy(dtype=str)
    if not len(places):
        return FeatureTable(case_id, (), np.empty((0, 0), np.float32))
    if len(set(names)) != len(names):
        raise refusal("case_features.doubled_name")
    values = np.empty((len(places), len(names)), np.float32)
    rows = of_cases(places)
    centres = coordinates(places)
    work, done = partial(_describe_span, image_families, windows, rows, centres), 0
    with Progress("Describe places", len(store)) as progress:
        for images, block in compute.map(work, spans(store, _SPAN_VALUES), releases_lock=True):
            values[done : done + len(block)] = block
            done += len(block)
            progress.advance(images)
    return FeatureTable(case_id, tuple(names), values)


def _describe_span(
    families: Sequence[FeatureFamily],
    windows: Windows,
    rows: Mapping[str, Whole],
    centres: Floats,
    span: Span,
) -> tuple[int, Singles]:
    store = span.store()
    blocks = []
    for case, image in span:
        if case not in rows:
            continue
        axes = 3 if image.ndim == 4 else 2
        spacing, columns = store.spacing(case), []
        for width in windows.widths:
            cuts = windows.cut(image, spacing, centres[rows[case]][:, 3 - axes :], width)
            most = max(1, _BATCH_VALUES // cuts[0].size)
            described = []
            for at in range(0, len(cuts), most):
                part = cuts[at : at + most]
                sides = np.full((len(part), axes), width / windows.side)
                batch = FeatureBatch(part, spacing=None if spacing is None else sides)
                described.append(describe_batch(families, [case] * len(part), batch))
            columns.append(np.vstack(described))
        blocks.append(np.hstack(columns))
    return len(span), np.vstack(blocks) if blocks else np.empty((0, 0), np.float32)
