"""Stage ingest: a source becomes image shards, a case table and a seal."""

import os
from pathlib import Path
from typing import Any

from pydantic.dataclasses import dataclass

from entrypoint import stage
from option_files import ROOT
from outputs import publish
from skiagram.compute.checkout import home
from skiagram.compute.workers import Compute
from skiagram.datasets.ingest import IngestFolders, ingest
from skiagram.options import STRICT, build
from skiagram.records import Design


@dataclass(**STRICT)
class Options:
    """Choices of the stage."""

    dataset: dict[str, Any]
    design: Design
    compute: Compute


@stage(Options)
def main(options: Options) -> None:
    """Read the source; files are looked for in SKIAGRAM_DATA, else fetched."""
    source = build(options.dataset, "dataset")
    root = os.environ.get("SKIAGRAM_DATA")
    with publish("data/images", "data/cases", "data/sealed") as staging:
        folders = IngestFolders(
            staging / "data/images", staging / "data/cases", staging / "data/sealed"
        )
        kept = home(ROOT) / ".work/kept/ingested"
        place = Path(root) if root else None
        ingest(source, options.design, place, folders, kept, options.compute)


if __name__ == "__main__":
    main()
