"""Stage extract: restored images, and windows at candidates, become tables of named features."""

from pydantic.dataclasses import dataclass

from entrypoint import stage
from option_files import ROOT
from outputs import publish
from skiagram.compute.workers import Compute
from skiagram.features.windows import Windows
from skiagram.options import STRICT
from skiagram.steps.extract import extract_features


@dataclass(**STRICT)
class Options:
    """Choices of the stage."""

    features: dict[str, dict[str, object]]
    windows: Windows
    compute: Compute


@stage(Options)
def main(options: Options) -> None:
    """Extract the chosen feature families of images, and chosen covariates."""
    data = ROOT / "data"
    read = (data / "cases", data / "restored", data / "candidates")
    outputs = ("data/candidates_features.parquet", "data/features.parquet", "data/preparation")
    with publish(*outputs) as staging:
        chosen = (options.features, options.windows)
        extract_features(*chosen, *read, staging / "data", options.compute)


if __name__ == "__main__":
    main()
