"""Known regions of a study's images, and the images without them.

A phantom knows its nodules, mini-MIAS marks its lesions, a data set with masks has a region in each
image. Marks tell the label, so they are asked for development cases alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from skiagram.datasets.contract import Mark
from skiagram.datasets.ingest import shuffle_cases
from skiagram.datasets.phantom.image_model import IdealObserver
from skiagram.datasets.phantom.source import PhantomDataSet
from skiagram.errors import DataError
from skiagram.explanation.trust import Mask
from skiagram.image_store.shards import Image, ShardWriter, is_volume
from skiagram.image_store.store import ImageStore, modality_folders, write_modalities
from skiagram.options import build
from skiagram.preparation import PreparedData
from skiagram.records import read_table, write_table
from skiagram.seeding import stream
from skiagram.studies.pipeline_steps import DataSet, Options, describe_images
from skiagram.studies.workspace import Workspace

Floats = NDArray[np.float64]
NAME = "explanations"
_MARKS = "marks.parquet"
_RING = 3  # pixels around a region whose mean stands for it
_BACKGROUND = 0.1  # share of a borrowed region that may lie on the image's lowest value


@dataclass(frozen=True)
class KnownRegions:
    """Regions of some cases.

    Attributes:
        masks: Case → (height, width) or (depth, height, width), true inside.
        of_all: Whether images of every class have one, as masks of tumours do.
    """

    word: str
    masks: dict[str, Mask]
    of_all: bool


def find_regions(
    workspace: Workspace, prepared: PreparedData, dataset: Options, case_id: Sequence[str]
) -> KnownRegions | None:
    """Return the regions of development cases; None where the data set knows none."""
    store, data = prepared.store, DataSet.of(prepared)
    if store.region(case_id[0]) is not None:
        return KnownRegions("region", _drawn_regions(store, case_id), of_all=True)
    source = build(dict(dataset), "dataset")

    def make(folder: Path) -> None:
        opened = source.open(workspace.data)
        order, names = shuffle_cases(len(opened.entries()))
        position = dict(zip(names.tolist(), order.tolist(), strict=True))
        rows = [
            {"case_id": case, "radius": mark.radius}
            | {f"axis_{axis}": place for axis, place in enumerate(mark.centre)}
            for case in case_id
            for mark in opened.marks(position[case])
        ]
        write_table(pd.DataFrame(rows, columns=None if rows else ["case_id"]), folder / _MARKS)

    inputs = {"data": data.folder.name, "dataset": dataset, "cases": list(case_id)}
    table = read_table(workspace.make_once("marks", inputs, make, type(source)) / _MARKS)
    if len(table) == 0:
        return None
    axes = [name for name in table.columns if name.startswith("axis_")]
    regions: dict[str, Mask] = {}
    for row in table.to_dict("records"):
        case = str(row["case_id"])
        shape = places(store.image(case))
        if shape != places(data.images.image(case)):
            raise DataError(
                f"restored to {shape} pixels, and marks are on another grid",
                where=case,
                remedy="choose a restoration that keeps the size of images",
            )
        mask = draw_mark(
            Mark(tuple(float(row[axis]) for axis in axes), float(row["radius"])), shape
        )
        regions[case] = regions.get(case, np.zeros(shape, dtype=np.bool_)) | mask
    # A lesion that fills its square leaves nothing outside to point at.
    regions = {case: mask for case, mask in regions.items() if not mask.all()}
    if not regions:
        return None
    word = "nodule" if isinstance(source, PhantomDataSet) else "marked lesion"
    return KnownRegions(word, regions, of_all=False)


def _drawn_regions(store: ImageStore, case_id: Sequence[str]) -> dict[str, Mask]:
    """Return the regions of cases as they were drawn, before voxels of odd intensity left them."""
    regions = ((case, store.region(case)) for case in case_id)
    return {
        case: region.inside if region.outline is None else region.outline
        for case, region in regions
        if region is not None
    }


def places(image: Image) -> tuple[int, ...]:
    """Return ([depth,] height, width) of an image of the store."""
    return image.shape[:3] if is_volume(image) else image.shape[:2]


def draw_mark(mark: Mark, shape: Sequence[int]) -> Mask:
    """Return the pixels of a mark, at least the one at its centre."""
    apart = np.zeros(tuple(shape))
    for axis, centre in zip(np.ogrid[*map(slice, shape)], mark.centre, strict=True):
        apart = apart + (axis - centre) ** 2
    inside: Mask = apart <= mark.radius**2
    inside[np.unravel_index(apart.argmin(), apart.shape)] = True
    return inside


def resize_mask(mask: Mask, shape: Sequence[int]) -> Mask:
    """Return a mask on another grid of the same field of view, at least one pixel of it."""
    axes = [
        np.minimum((np.arange(side) + 0.5) * own / side, own - 1).astype(np.int64)
        for side, own in zip(shape, mask.shape, strict=True)
    ]
    resized: Mask = mask[np.ix_(*axes)]
    if not resized.any():
        centre = np.mean(np.nonzero(mask), axis=1)
        place = tuple(
            int(c * side / own) for c, side, own in zip(centre, shape, mask.shape, strict=True)
        )
        resized[place] = True
    return resized


def make_observer(dataset: Options) -> IdealObserver | None:
    """Return the ideal observer of a phantom; None for other data sets."""
    source: Any = build(dict(dataset), "dataset")
    if not isinstance(source, PhantomDataSet):
        return None
    phantom: Any = source
    observer: IdealObserver = phantom.open(None).observer
    return observer


def borrow_regions(
    store: ImageStore, regions: KnownRegions, case_id: Sequence[str], seed: int
) -> dict[str, Mask]:
    """Return a region for every case; a case without one borrows that of another case.

    What is blanked then tells no label. A borrowed region lies on tissue: at most a tenth of it on
    the image's lowest value, or as little as any region of the same size of image has there.
    """
    owners = sorted(regions.masks)
    lent: dict[str, Mask] = {}
    for case in case_id:
        if case in regions.masks:
            lent[case] = regions.masks[case]
            continue
        image = store.image(case)
        flat = image.reshape(*places(image), -1).min(axis=-1)
        background = flat <= flat.min()
        order = stream(seed, "borrowed region", case).permutation(len(owners))
        masks = (regions.masks[owners[k]] for k in order)
        fitting = [mask for mask in masks if mask.shape == background.shape]
        if not fitting:
            raise DataError(
                f"no region of {background.shape} pixels to borrow",
                where=case,
                remedy="choose images of one size, or set study.blanked to false",
            )
        good = (mask for mask in fitting if background[mask].mean() <= _BACKGROUND)
        lent[case] = next(good, min(fitting, key=lambda mask: float(background[mask].mean())))
    return lent


def blank_image(image: Image, region: Mask, *, outside: bool) -> Image:
    """Replace a region, or all outside it, by the mean of the pixels just around the region.

    Args:
        image: (height, width[, channels]) or (depth, height, width, 1) without missing pixels.
    """
    ring = ~region & (distance_transform_edt(~region) <= _RING)
    values = image.reshape(*region.shape, -1).astype(np.float64)
    near = next(part for part in (ring, ~region, region) if part.any())
    mean = values[near].mean(axis=0)
    values[~region if outside else region] = mean
    if np.issubdtype(image.dtype, np.integer):
        values = np.rint(values)
    return values.astype(image.dtype).reshape(image.shape)


def blanked_data(
    workspace: Workspace,
    prepared: PreparedData,
    regions: KnownRegions,
    case_id: Sequence[str],
    families: Mapping[str, Options] | None,
    seed: int,
    *,
    outside: bool,
) -> PreparedData:
    """Return the restored images with the region, or all outside it, blanked.

    `families` are the features to extract again; None for none.
    """

    def make(folder: Path) -> None:
        stores = {
            modality: ImageStore(place)
            for modality, place in modality_folders(prepared.images).items()
        }
        first = next(iter(stores))
        for modality, store in stores.items():
            place, masks = folder / "images", {}
            if modality == first:
                masks = borrow_regions(store, regions, case_id, seed)
            else:  # each modality has its region on a grid of its own
                place, masks = place / modality, _drawn_regions(store, case_id)
            with ShardWriter(place) as writer:
                for case in case_id:
                    image = blank_image(store.image(case), masks[case], outside=outside)
                    writer.add(case, image, store.spacing(case), store.region(case))
        write_modalities(folder / "images", list(stores))

    inputs = {
        "restored": prepared.images.parent.name,
        "cases": list(case_id),
        "seed": seed,
        "outside": outside,
    }
    images = workspace.make_once("blanked", inputs, make) / "images"
    if families is None:
        return replace(prepared, images=images)
    return describe_images(workspace, prepared.cases, images, prepared.candidates, families)
