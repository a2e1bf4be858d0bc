"""Step restore: every image cleaned on its own, and a record of what was done to it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic.dataclasses import dataclass as options_class

from skiagram.compute.workers import IN_PROCESS, Compute
from skiagram.options import build
from skiagram.preparation import propagate_preparation
from skiagram.restoration.restore import restore_modalities
from skiagram.strict import STRICT
from skiagram.tasks.cases import Cases


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
    """Write `restored` and `treatment.parquet`.

    Args:
        restoration: `_target_` and options.
        ingested: Folder that step ingest wrote.
    """
    steps, images = build(dict(restoration), "restoration"), ingested / "images"
    cases = Cases.read(ingested / "cases/cases.parquet")
    restored, record = target / "restored", target / "treatment.parquet"
    restore_modalities(images, steps, restored, record, cases, compute)
    propagate_preparation(images, restored, restoration=dict(restoration))
