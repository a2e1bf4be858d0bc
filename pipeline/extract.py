"""Stage extract: restored images, and windows at candidates, become tables of named features."""

from project import ROOT  # first, so that the code of this folder runs
from skiagram.projects.stage import StageRun, stage
from skiagram.steps.extract import EXTRACTED, ExtractOptions, extract_features


@stage(ROOT, ExtractOptions)
def main(options: ExtractOptions, run: StageRun) -> None:
    """Extract the chosen feature families of images, and chosen covariates."""
    data, chosen = ROOT / "data", (options.features, options.windows)
    read = (data / "cases", data / "restored", data / "candidates")
    with run.publish(*(f"data/{name}" for name in EXTRACTED)) as folder:
        extract_features(*chosen, *read, folder / "data", options.compute)


if __name__ == "__main__":
    main()
