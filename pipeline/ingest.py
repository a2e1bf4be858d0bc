"""Stage ingest: a source becomes image shards, a case table and a seal."""

import os
from pathlib import Path
from typing import Any

from pydantic.dataclasses import dataclass

from entrypoint import stage
from outputs import publish
from skiagram.compute.workers import Compute
from skiagram.options import STRICT
from skiagram.records.cases import Design
from skiagram.steps.ingest import ingest_source


@dataclass(**STRICT)
class Options:
    """Choices of the stage."""

    dataset: dict[str, Any]
    design: Design
    compute: Compute


@stage(Options)
def main(options: Options) -> None:
    """Read the source; files are looked for in SKIAGRAM_DATA, else fetched."""
    root = os.environ.get("SKIAGRAM_DATA")
    files = Path(root) if root else None
    with publish("data/images", "data/cases", "data/sealed") as staging:
        chosen = (options.dataset, options.design, files)
        ingest_source(*chosen, staging / "data", options.compute)


if __name__ == "__main__":
    main()
