"""Step restore: every image cleaned on its own, and a record of what was done to it."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic.dataclasses import dataclass as options_class

from skiagram.compute.workers import IN_PROCESS, Compute
from skiagram.image_store.index import has_images
from skiagram.strict import STRICT


@options_class(**STRICT)
class RestoreOptions:
    """Options of stage restore.

    Attributes:
        restoration: `_target_` and options of the restoration.
        compute: How much of the machine it may use.
    """

    restoration: dict[str, Any]
    compute: Compute


def restore_images(
    restoration: Mapping[str, Any],
    ingested: Path,
    target: Path,
    compute: Compute = IN_PROCESS,
) -> None:
    """Write `restored`, with a table of what was done to each image; cases without any stay.

    Args:
        restoration: `_target_` and options.
        ingested: Folder that step ingest wrote.
    """
    images, restored = ingested / "images", target / "restored"
    if not has_images(images):
        shutil.copytree(images, restored)
        return
    from skiagram.options import build  # slow to import, and not always used
    from skiagram.preparation import propagate_preparation
    from skiagram.restoration.restore import restore_modalities
    from skiagram.tasks.cases import Cases

    steps = build(dict(restoration), "restoration")
    cases = Cases.read(ingested / "cases/cases.parquet")
    restore_modalities(images, steps, restored, cases, compute)
    propagate_preparation(images, restored, restoration=dict(restoration))
