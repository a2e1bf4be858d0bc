"""Stage restore: every image cleaned on its own, and a record of what was done to it."""

from typing import Any

from pydantic.dataclasses import dataclass

from entrypoint import ROOT, publish, stage
from skiagram.options import STRICT, build
from skiagram.records import Cases
from skiagram.restoration.batch import restore_store
from skiagram.store import ImageStore


@dataclass(**STRICT)
class Options:
    """Choices of the stage."""

    restoration: dict[str, Any]


@stage(Options)
def main(options: Options) -> None:
    """Restore the ingested images."""
    restoration = build(options.restoration, "restoration")
    with publish("data/restored", "data/treatment.parquet") as staging:
        restore_store(
            ImageStore(ROOT / "data/images"),
            restoration,
            staging / "data/restored",
            staging / "data/treatment.parquet",
            Cases.read(ROOT / "data/cases/cases.parquet"),
        )


if __name__ == "__main__":
    main()
