"""Stage extract: restored images become a table of named features."""

from typing import Any

from pydantic.dataclasses import dataclass

from entrypoint import ROOT, publish, stage
from skiagram.features.table import extract
from skiagram.options import STRICT, build
from skiagram.store import ImageStore


@dataclass(**STRICT)
class Options:
    """Choices of the stage."""

    features: dict[str, Any]


@stage(Options)
def main(options: Options) -> None:
    """Extract the chosen feature families."""
    chosen = [build(group, f"features.{name}") for name, group in options.features.items()]
    with publish("data/features.parquet") as staging:
        extract(ImageStore(ROOT / "data/restored"), chosen).write(staging / "data/features.parquet")


if __name__ == "__main__":
    main()
