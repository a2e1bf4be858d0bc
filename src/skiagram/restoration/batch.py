"""Restores a whole store, batch by batch, and keeps a record of what was done to each case."""

import dataclasses
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skiagram.compute import IN_PROCESS, Compute
from skiagram.errors import DataError
from skiagram.preparation import TRAINING_MEAN
from skiagram.progress import Progress
from skiagram.records import Cases, write_table
from skiagram.restoration.contract import Plane, Restoration, Treatment
from skiagram.restoration.training_mean import training_mean
from skiagram.spans import Span, spans
from skiagram.store import Image, ImageStore, ShardWriter

_RUN_VALUES = 2**20


@dataclasses.dataclass(frozen=True)
class ImageBatch:
    """Equally sized images.

    Attributes:
        case_ids: An id an image.
        images: (n, height, width[, channels]) or (n, depth, height, width, 1), of one depth.
    """

    case_ids: list[str]
    images: Image


def restore_store(
    store: ImageStore,
    restoration: Restoration,
    images: Path,
    record: Path,
    cases: Cases | None = None,
    compute: Compute = IN_PROCESS,
) -> None:
    """Write restored shards and a table with a row a case and a column a `Treatment` field.

    Where the restoration uses a training mean it is kept beside the shards as `training_mean.npy`:
    new films need the same one.

    Args:
        store: Images as ingested.
        restoration: What to do to each image.
        images: Folder for the restored shards.
        record: Parquet file for the table.
        cases: The case table, for a training mean; its labels are not read.
        compute: Where the work is done; the values do not depend on it.

    Raises:
        DataError: An image cannot be restored; names the case.
        OptionError: A training mean was asked for where folds must not share images.
    """
    mean = _mean(store, restoration, cases)
    rows: list[dict[str, object]] = []
    with ShardWriter(images) as writer, Progress("restore", len(store)) as progress:
        work = partial(_restore_span, restoration, mean)
        for restored in compute.map(work, spans(store, _RUN_VALUES), releases_lock=True):
            for case_id, image, treatment in restored:
                writer.add(case_id, image, store.spacing(case_id))
                rows.append({"case_id": case_id, **vars(treatment)})
            progress.advance(len(restored))
    if mean is not None:
        np.save(images / TRAINING_MEAN, mean, allow_pickle=False)
    write_table(pd.DataFrame(rows), record)


def _restore_span(
    restoration: Restoration, training_mean: Plane | None, span: Span
) -> list[tuple[str, NDArray[np.float32], Treatment]]:
    restored: list[tuple[str, NDArray[np.float32], Treatment]] = []
    for run in span.runs(_RUN_VALUES):
        batch = ImageBatch(run.case_ids, run.images)
        images, treatments = restore_batch(batch, restoration, training_mean)
        restored += zip(run.case_ids, images, treatments, strict=True)
    return restored


def restore_batch(
    batch: ImageBatch, restoration: Restoration, training_mean: Plane | None
) -> tuple[NDArray[np.float32], tuple[Treatment, ...]]:
    """Restore a batch; it depends on nothing else, so batches may go to any process.

    Args:
        batch: Images and their names.
        restoration: What to do to each image.
        training_mean: Mean development image, where the restoration needs it.

    Returns:
        The restored images, same shape, float32, and what was done to each.

    Raises:
        DataError: An image cannot be restored; names the case.
    """
    try:
        return restoration.restore(batch.images, training_mean)
    except DataError:
        for case_id, image in zip(batch.case_ids, batch.images, strict=True):
            _name(case_id, image, restoration, training_mean)
        raise


def _name(
    case_id: str, image: Image, restoration: Restoration, training_mean: Plane | None
) -> None:
    try:
        restoration.restore(image[None], training_mean)
    except DataError as error:
        raise DataError(
            error.found, where=case_id, allowed=error.allowed, remedy=error.remedy
        ) from error


def _mean(store: ImageStore, restoration: Restoration, cases: Cases | None) -> Plane | None:
    if not restoration.needs_training_mean:
        return None
    if cases is None:
        raise DataError("no case table to tell development images by", where="training mean")
    return training_mean(store, cases)
