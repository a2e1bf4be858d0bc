"""Stage restore: every image cleaned on its own, and a record of what was done to it."""

from typing import Any

from pydantic.dataclasses import dataclass

from entrypoint import stage
from option_files import ROOT
from outputs import publish
from skiagram.compute.workers import Compute
from skiagram.options import STRICT
from skiagram.steps.restore import restore_images


@dataclass(**STRICT)
class Options:
    """Choices of the stage."""

    restoration: dict[str, Any]
    compute: Compute


@stage(Options)
def main(options: Options) -> None:
    """Restore the ingested images."""
    with publish("data/restored", "data/treatment.parquet") as staging:
        target = staging / "data"
        restore_images(options.restoration, ROOT / "data", target, options.compute)


if __name__ == "__main__":
    main()
