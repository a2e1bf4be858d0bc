"""Restores a whole store, batch by batch, and keeps a record of what was done to each case.

The mean development image is the one thing that a restoration may learn from other images. Labels
take no part in it. All folds share it, which is why it needs a sealed test set: under
cross-validation it would carry held-out images into training.
"""

import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from pydantic.dataclasses import dataclass

from skiagram.arrays import Singles
from skiagram.compute.progress import Progress
from skiagram.compute.workers import IN_PROCESS, Compute
from skiagram.errors import DataError, named, refusal
from skiagram.image_store.shards import ShardWriter
from skiagram.image_store.store import ImageStore, Span, modality_folders, spans, write_modalities
from skiagram.images import Image, Region, Spacing, is_volume
from skiagram.preparation import TRAINING_MEAN
from skiagram.records.files import write_table
from skiagram.restoration.missing import Plane, fill_locally
from skiagram.restoration.regions import RegionPreparation
from skiagram.restoration.steps import Steps, Treatment, join_planes, split_planes
from skiagram.strict import STRICT
from skiagram.tasks.cases import Cases

TREATMENT = "treatment.parquet"
_RUN_VALUES = 2**20


def restore_store(
    store: ImageStore,
    restoration: Steps,
    images: Path,
    cases: Cases | None = None,
    compute: Compute = IN_PROCESS,
) -> None:
    """Write restored shards, and beside them what was done to each case.

    That is a table with one row per case and one column per `Treatment` field.

    A restored shard holds the cases of an ingested one, so a file that was added changes one of
    each. Where the restoration uses a training mean it is kept beside the shards as
    `training_mean.npy`: new films need the same one.

    Args:
        cases: The case table, for a training mean; its labels are not read.
    """
    # Development images alone make a mean: test images must not be seen.
    mean = None
    if restoration.needs_training_mean:
        if cases is None:
            raise refusal("restoration.no_case_table")
        mean = training_mean(store, cases)
    # Spans side by side, written in the order of the store.
    work = partial(_restore_span, restoration, mean)
    parts = compute.map(work, spans(store, _RUN_VALUES), releases_lock=True)
    treatments: list[Treatment] = []
    stops = frozenset(store.ends)
    writer = ShardWriter(images, shard_bytes=math.inf)
    with writer, Progress("restore", len(store)) as progress:
        for image in (image for part in parts for image in part):
            writer.add(image.case_id, image.pixels, image.spacing, image.region)
            treatments.append(image.treatment)
            progress.advance()
            # Restored shards end where stored ones do.
            if len(treatments) in stops:
                writer.end_shard()
    # The mean and the treatment of each case lie beside the images.
    if mean is not None:
        np.save(images / TRAINING_MEAN, mean, allow_pickle=False)
    table = pd.DataFrame([treatment._asdict() for treatment in treatments])
    table.insert(0, "case_id", store.case_ids)
    write_table(table, images / TREATMENT)


class RestoredImage(NamedTuple):
    """One image after restoration, in the layout of the store."""

    case_id: str
    pixels: Singles
    treatment: Treatment
    spacing: Spacing | None
    region: Region | None


def _restore_span(
    restoration: Steps, training_mean: Plane | None, span: Span
) -> list[RestoredImage]:
    # Images that are alike are restored together.
    restored = []
    for batch in span.runs(_RUN_VALUES):
        try:
            images, treatments = restoration.restore(batch.images, training_mean)
        except DataError:
            # one of them cannot be restored: which one?
            for case_id, image in zip(batch.case_ids, batch.images, strict=True):
                with named(case_id):
                    restoration.restore(image[None], training_mean)
            raise
        # Each image with its spacing and region again.
        regions = batch.regions or (None,) * len(images)
        spacings = [
            None if np.isnan(distances).any() else tuple(distances.tolist())
            for distances in batch.spacing
        ]
        fields = zip(batch.case_ids, images, treatments, spacings, regions, strict=True)
        restored += [_prepare_region(RestoredImage(*each), restoration.region) for each in fields]
    return restored


def restore_image(
    case_id: str,
    pixels: Image,
    spacing: Spacing | None,
    region: Region | None,
    restoration: Steps,
    training_mean: Plane | None,
) -> RestoredImage:
    """Restore an image alone, as it would be among those of a store."""
    with named(case_id):
        (restored,), (treatment,) = restoration.restore(pixels[None], training_mean)
    whole = RestoredImage(case_id, restored, treatment, spacing, region)
    return _prepare_region(whole, restoration.region)


def _prepare_region(image: RestoredImage, preparation: RegionPreparation | None) -> RestoredImage:
    """Resample, re-segment and cut an image around its region, where that is asked for.

    A plane image is one slice, 1 mm thick; its slices are never resampled.
    """
    if preparation is None:
        return image
    pixels, spacing, region = image.pixels, image.spacing, image.region
    if region is None or spacing is None:
        key = "restoration.no_region" if region is None else "restoration.unknown_spacing"
        raise refusal(key, image.case_id)
    # A plane is a volume of one slice.
    volume = pixels[..., 0] if is_volume(pixels) else pixels[None]
    distances = spacing if is_volume(pixels) else (1.0, *spacing)
    with named(image.case_id):
        if volume.ndim != 3:
            raise refusal("restoration.several_channels")
        prepared = preparation.prepare(volume, region.drawn.reshape(volume.shape), distances)
    # back into the layout of the store
    shape = (*prepared.image.shape, 1) if is_volume(pixels) else prepared.image.shape[1:]
    left_out = not np.array_equal(prepared.inside, prepared.outline)
    return image._replace(
        pixels=prepared.image.astype(np.float32).reshape(shape),
        spacing=tuple(prepared.spacing[-len(spacing) :]),
        region=Region(
            prepared.inside.reshape(shape[:3]),
            prepared.outline.reshape(shape[:3]) if left_out else None,
        ),
    )


def training_mean(store: ImageStore, cases: Cases) -> Plane:
    """Average the known pixels of all development images, one image at a time.

    A pixel that no image knows takes the mean of those around it. Which cases are sealed is all
    that is read of the case table; where none is, folds would share images: an OptionError.
    """
    # Under cross-validation the mean would carry held-out images into training.
    if not len(cases.test()):
        raise refusal("restoration.mean_under_cv")
    # One image after another, each pixel by how often it is known.
    development = cases.development().case_id.tolist()
    shape = store.image(development[0]).shape
    total, count = np.zeros(shape), np.zeros(shape, dtype=np.int64)
    for case_id in development:
        image = store.image(case_id)
        if image.shape != shape:
            raise refusal(
                "restoration.images_of_several_sizes",
                case_id,
                shape=image.shape,
                first=shape,
            )
        known_pixels = np.isfinite(image)
        total += np.where(known_pixels, image, 0)
        count += known_pixels
    # pixels that no image knows take the mean of those around them
    mean = (total / np.maximum(count, 1)).astype(np.float32)[None]
    planes, never = split_planes(mean), split_planes(count[None] == 0) > 0
    for plane, unknown in zip(planes, never, strict=True):
        if unknown.all():
            raise refusal("restoration.no_known_pixel")
        if unknown.any():
            plane[:] = fill_locally(plane, unknown, 1, use_mean=True)
    completed: Plane = join_planes(planes, mean.shape)[0]
    return completed


@dataclass(**STRICT)
class ByModality:
    """What is done to the images of each modality.

    Attributes:
        modalities: Modality → its steps.
    """

    modalities: dict[str, Steps]

    def of(self, name: str, names: Sequence[str]) -> Steps:
        """Return the steps of one of a data set's modalities."""
        if set(self.modalities) != set(names):
            raise refusal(
                "restoration.other_modalities",
                modalities=self.modalities,
                names=", ".join(names) if any(names) else "a restoration for one image per case",
            )
        return self.modalities[name]


def restore_modalities(
    images: Path,
    restoration: Steps | ByModality,
    restored: Path,
    cases: Cases,
    compute: Compute = IN_PROCESS,
) -> None:
    """Restore the images of every modality; `restore_store` says how.

    Args:
        images: Folder of the stored images.
        restoration: Steps for all modalities, or for each by its name.
        restored: New folder.
        cases: Whose training cases steps may learn from.
        compute: How much of the machine they may use.
    """
    # Each modality by its own steps, into a folder of its own.
    folders = modality_folders(images)
    for name, folder in folders.items():
        chosen = restoration
        if isinstance(chosen, ByModality):
            chosen = chosen.of(name, tuple(folders))
        target = restored if folder == images else restored / name
        restore_store(ImageStore(folder), chosen, target, cases, compute)
    write_modalities(restored, [name for name in folders if name])
