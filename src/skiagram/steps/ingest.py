"""Step ingest: a source becomes image shards, a case table and a seal."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from skiagram.compute.workers import IN_PROCESS, Compute
from skiagram.datasets.ingest import IngestFolders, ingest
from skiagram.options import build
from skiagram.records.cases import Design


def ingest_source(
    dataset: Mapping[str, Any],
    design: Design,
    files: Path | None,
    target: Path,
    compute: Compute = IN_PROCESS,
) -> None:
    """Write `images`, `cases` and `sealed` of a data set.

    Args:
        dataset: `_target_` and options of the source.
        files: Folder where source files are at hand; None to fetch them.
    """
    folders = IngestFolders(target / "images", target / "cases", target / "sealed")
    ingest(build(dict(dataset), "dataset"), design, files, folders, compute)
