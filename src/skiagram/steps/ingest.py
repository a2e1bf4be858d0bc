"""Step ingest: a source becomes image shards, a case table and a seal."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic.dataclasses import dataclass as options_class

from skiagram.compute.workers import IN_PROCESS, Compute
from skiagram.datasets.choices import find_data
from skiagram.options import build
from skiagram.steps.checked import take_checked
from skiagram.strict import STRICT
from skiagram.tasks.choices import Design


@options_class(**STRICT)
class IngestOptions:
    """Options of stage ingest.

    Attributes:
        dataset: `_target_` and options of the source.
        design: Design of evaluation.
        compute: How much of the machine it may use.
    """

    dataset: dict[str, Any]
    design: Design
    compute: Compute


def ingest_project(root: Path, options: IngestOptions, target: Path) -> None:
    """Ingest the data set of a project, or take over what the check of this run has ingested.

    Its files are in the folder SKIAGRAM_DATA, else fetched.
    """
    # What stage digest says of files that the config does not tell, if there are any.
    digest = root / "data/code/ingest"
    lines = digest.read_text(encoding="utf-8").splitlines() if digest.exists() else []
    files_line = next((line for line in lines if line.startswith("files ")), "")
    inputs = {"dataset": options.dataset, "design": options.design, "files": files_line}
    if take_checked(root, "ingest", target, **inputs):
        return
    ingest_source(options.dataset, options.design, find_data(), target, options.compute)


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
    from skiagram.datasets.ingest import IngestFolders, ingest  # slow to import, and often not used

    source = build(dict(dataset), "dataset")
    ingest(source, design, files, IngestFolders.under(target), compute)
