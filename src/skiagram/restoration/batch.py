"""Restores a whole store, image by image, and keeps a record of what was done to each case."""

import dataclasses
from pathlib import Path

import pandas as pd

from skiagram.records import write_table
from skiagram.restoration.contract import Restoration
from skiagram.store import ImageStore, ShardWriter


def restore_store(store: ImageStore, restoration: Restoration, images: Path, record: Path) -> None:
    """Write restored shards and a table `case_id, missing, outliers, noise`.

    Args:
        store: Images as ingested.
        restoration: What to do to each image.
        images: Folder for the restored shards.
        record: Parquet file for the table.
    """
    rows: list[dict[str, object]] = []
    with ShardWriter(images) as writer:
        for case_id, image in store:
            restored, treatment = restoration.restore(image)
            writer.add(case_id, restored)
            rows.append({"case_id": case_id, **dataclasses.asdict(treatment)})
    write_table(pd.DataFrame(rows), record)
