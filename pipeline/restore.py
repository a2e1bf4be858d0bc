"""Stage restore: every image cleaned on its own, and a record of what was done to it."""

from typing import Any

from pydantic.dataclasses import dataclass

from entrypoint import stage
from option_files import ROOT
from outputs import publish
from skiagram.compute.checkout import home
from skiagram.compute.workers import Compute
from skiagram.options import STRICT, build
from skiagram.preparation import propagate_preparation
from skiagram.records import Cases
from skiagram.restoration.restore import restore_modalities


@dataclass(**STRICT)
class Options:
    """Choices of the stage."""

    restoration: dict[str, Any]
    compute: Compute


@stage(Options)
def main(options: Options) -> None:
    """Restore the ingested images."""
    restoration = build(options.restoration, "restoration")
    images = ROOT / "data/images"
    cases = Cases.read(ROOT / "data/cases/cases.parquet")
    with publish("data/restored", "data/treatment.parquet") as staging:
        restored, record = staging / "data/restored", staging / "data/treatment.parquet"
        kept = home(ROOT) / ".work/kept/restored"
        restore_modalities(images, restoration, restored, record, cases, options.compute, kept)
        propagate_preparation(images, restored, restoration=options.restoration)


if __name__ == "__main__":
    main()
