"""Known regions of images, and the images without them.

A phantom knows its nodules, a table may mark lesions, a data set with masks has a region in each
image. Marks tell the label, so ingest seals those of test cases; here are those of the others.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import distance_transform_edt

from skiagram.case_features.case_histories import CaseHistories
from skiagram.case_features.extraction import build_families, extract_modalities
from skiagram.datasets.contract import Mark, pixel_side
from skiagram.errors import refusal
from skiagram.explanation.explained_model import ExplainedModel, KnownRegions
from skiagram.explanation.record import Blanking
from skiagram.explanation.trust import Mask
from skiagram.fitting.fits import finite
from skiagram.image_store.shards import ShardWriter
from skiagram.image_store.store import ImageStore, modality_folders, write_modalities
from skiagram.images import Image, is_volume
from skiagram.interpolation import take_nearest
from skiagram.options import build
from skiagram.preparation import PREPARATION, Preparation, PreparedData
from skiagram.records.files import read_record, read_table
from skiagram.records.places import MARKS, coordinates, of_cases
from skiagram.seeding import stream
from skiagram.sources.phantom.image_model import IdealObserver
from skiagram.sources.phantom.source import PhantomDataSet


def find_regions(prepared: PreparedData, case_id: Sequence[str], word: str) -> KnownRegions | None:
    """Find the regions of development cases; None where the data set knows none.

    Args:
        word: What a marked place is called.
    """
    # Regions that came with the images.
    store = prepared.store
    if store.region(case_id[0]) is not None:
        return KnownRegions("region", _drawn_regions(store, case_id), of_all=True)
    # Else circles around the marks of lesions.
    ingested, marks = (
        ImageStore(prepared.cases.parent / "images"),
        read_table(prepared.cases / MARKS),
    )
    regions: dict[str, Mask] = {}
    for case, rows in of_cases(marks).items():
        shape = places(store.image(case))
        if shape != places(ingested.image(case)):
            raise refusal("explanation.other_grid", case, shape=shape)
        side, lesions = pixel_side(ingested.spacing(case)), marks.iloc[rows]
        circles = zip(coordinates(lesions), lesions["radius"], strict=True)
        masks = [
            draw_mark(Mark(tuple(centre[-len(shape) :].tolist()), radius / side), shape)
            for centre, radius in circles
        ]
        regions[case] = np.logical_or.reduce(masks)
    # A lesion that fills its square leaves nothing outside to point at.
    regions = {case: mask for case, mask in regions.items() if not mask.all()}
    return KnownRegions(word, regions, of_all=False) if regions else None


def _drawn_regions(store: ImageStore, case_id: Sequence[str]) -> dict[str, Mask]:
    """Read the regions of cases as they were drawn, before voxels of odd intensity left them."""
    regions = ((case, store.region(case)) for case in case_id)
    return {case: region.drawn for case, region in regions if region is not None}


def places(image: Image) -> tuple[int, ...]:
    """Return ([depth,] height, width) of an image of the store."""
    return image.shape[:3] if is_volume(image) else image.shape[:2]


def draw_mark(mark: Mark, shape: Sequence[int]) -> Mask:
    """Draw the pixels of a mark, at least the one at its centre."""
    apart = np.zeros(tuple(shape))
    for axis, centre in zip(np.ogrid[*map(slice, shape)], mark.centre, strict=True):
        apart = apart + (axis - centre) ** 2
    inside: Mask = apart <= mark.radius**2
    inside[np.unravel_index(apart.argmin(), apart.shape)] = True
    return inside


def resize_mask(mask: Mask, shape: Sequence[int]) -> Mask:
    """Resize a mask to another grid of the same field of view; at least one pixel stays."""
    # A region that fell between the pixels keeps its middle.
    resized: Mask = take_nearest(mask, shape)
    if not resized.any():
        centre = np.mean(np.nonzero(mask), axis=1)
        place = tuple(
            int(c * side / mask_side)
            for c, side, mask_side in zip(centre, shape, mask.shape, strict=True)
        )
        resized[place] = True
    return resized


def make_observer(source: object) -> IdealObserver | None:
    """Return the ideal observer of a phantom; None for other data sets."""
    if not isinstance(source, PhantomDataSet):
        return None
    phantom: Any = source
    observer: IdealObserver = phantom.open(None).observer
    return observer


def borrow_regions(
    store: ImageStore, regions: KnownRegions, case_id: Sequence[str], seed: int
) -> dict[str, Mask]:
    """Find a region for every case; a case without one borrows that of another case.

    What is blanked then tells no label. A borrowed region lies on tissue: at most a tenth of it on
    the image's lowest value, or as little as any region of the same size of image has there.
    """
    # Regions of other cases, in an order of the case's own.
    owners = sorted(regions.masks)
    lent: dict[str, Mask] = {}
    for case in case_id:
        if case in regions.masks:
            lent[case] = regions.masks[case]
            continue
        # The lowest value of the image counts as background.
        image = store.image(case)
        flat = image.reshape(*places(image), -1).min(axis=-1)
        background = flat <= flat.min()
        order = stream(seed, "borrowed region", case).permutation(len(owners))
        masks = (regions.masks[owners[k]] for k in order)
        fitting = [mask for mask in masks if mask.shape == background.shape]
        if not fitting:
            raise refusal("explanation.no_region_to_borrow", case, shape=background.shape)
        # at most a tenth of it lies on the image's lowest value
        good = (mask for mask in fitting if background[mask].mean() <= 0.1)
        lent[case] = next(good, min(fitting, key=lambda mask: float(background[mask].mean())))
    return lent


def blank_image(image: Image, region: Mask, *, outside: bool) -> Image:
    """Replace a region, or all outside it, by the mean of the pixels just around the region.

    Args:
        image: (height, width[, channels]) or (depth, height, width, 1) without missing pixels.
    """
    ring = ~region & (distance_transform_edt(~region) <= 3)  # pixels
    values = image.reshape(*region.shape, -1).astype(np.float64)
    near = next(part for part in (ring, ~region, region) if part.any())
    mean = values[near].mean(axis=0)
    values[~region if outside else region] = mean
    if np.issubdtype(image.dtype, np.integer):
        values = np.rint(values)
    return values.astype(image.dtype).reshape(image.shape)


def blank_images(
    images: Path,
    regions: KnownRegions,
    case_id: Sequence[str],
    seed: int,
    folder: Path,
    *,
    outside: bool,
) -> None:
    """Write restored images of all modalities with the region, or all outside it, blanked."""
    # The first modality holds the regions.
    stores = {modality: ImageStore(place) for modality, place in modality_folders(images).items()}
    first = next(iter(stores))
    for modality, store in stores.items():
        place, masks = folder, {}
        if modality == first:
            masks = borrow_regions(store, regions, case_id, seed)
        else:  # each modality has its region on a grid of its own
            place, masks = folder / modality, _drawn_regions(store, case_id)
        with ShardWriter(place) as writer:
            for case in case_id:
                image = blank_image(store.image(case), masks[case], outside=outside)
                writer.add(case, image, store.spacing(case), store.region(case))
    write_modalities(folder, list(stores))


def measure_blanking(model: ExplainedModel, folder: Path) -> Blanking | None:
    """Measure what is left of the AUC without the region and without all else.

    None where no region is known, and for features of regions, which hold nothing else.

    Args:
        folder: For the images.
    """
    # Features of a region as a whole are not defined without it.
    regions, case_id, read = model.regions, model.known.case_id, model.prepared
    if regions is None or (regions.of_all and model.model.arm == "classical"):
        return None
    # First without the region, then without all else.
    losses = []
    for outside in (False, True):
        place = folder / ("rest" if outside else "region")
        images, seed = place / "images", model.plan.seed
        blank_images(read.images, regions, case_id.tolist(), seed, images, outside=outside)
        prepared = replace(read, images=images)
        # what the model reads of images: an encoding, and features
        for name, made in read.encodings.items():
            if made != model.encoding:
                continue
            from skiagram.encoders.encoding import FolderEncoder

            encoder = build(dict(model.encoders[name]), "encoder")
            preparation = read_record(Preparation, read.candidates / PREPARATION)
            ready = FolderEncoder.of_images(images, encoder, model.context, preparation)
            ready.write(images, place / name)
            prepared = replace(prepared, encodings={name: place / name})
        # Features are measured anew.
        if model.model.arm == "classical" or model.fused:
            families, histories = build_families(model.families), CaseHistories.read(read.cases)
            extracted = extract_modalities(images, families, histories, model.context.compute)
            prepared = replace(prepared, features=extracted.frame())
        # its scores of the cases that each fit did not see
        inputs = model.model.read(prepared, model.task).of(case_id)
        with model.context.compute.limit():
            scores = [fit.fitted.scores(inputs.select(fit.held_out)) for fit in model.fits]
        losses.append(model.measure_loss([model.ranking_of(finite(each))[None] for each in scores]))
    return Blanking(*losses)
