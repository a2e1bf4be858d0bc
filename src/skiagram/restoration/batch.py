"""Restores a whole store, image by image, and keeps a record of what was done to each case."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd

from skiagram.errors import DataError
from skiagram.preparation import TRAINING_MEAN
from skiagram.progress import Progress
from skiagram.records import Cases, write_table
from skiagram.restoration.contract import Plane, Restoration
from skiagram.restoration.training_mean import training_mean
from skiagram.store import ImageStore, ShardWriter


def restore_store(
    store: ImageStore,
    restoration: Restoration,
    images: Path,
    record: Path,
    cases: Cases | None = None,
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

    Raises:
        DataError: An image cannot be restored; names the case.
        OptionError: A training mean was asked for where folds must not share images.
    """
    mean = _mean(store, restoration, cases)
    rows: list[dict[str, object]] = []
    with ShardWriter(images) as writer, Progress("restore", len(store)) as progress:
        for case_id, image in store:
            try:
                restored, treatment = restoration.restore(image, mean)
            except DataError as error:
                raise DataError(
                    error.found, where=case_id, allowed=error.allowed, remedy=error.remedy
                ) from error
            writer.add(case_id, restored)
            rows.append({"case_id": case_id, **dataclasses.asdict(treatment)})
            progress.advance()
    if mean is not None:
        np.save(images / TRAINING_MEAN, mean, allow_pickle=False)
    write_table(pd.DataFrame(rows), record)


def _mean(store: ImageStore, restoration: Restoration, cases: Cases | None) -> Plane | None:
    if not restoration.needs_training_mean:
        return None
    if cases is None:
        raise DataError("no case table to tell development images by", where="training mean")
    return training_mean(store, cases)
