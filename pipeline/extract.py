"""Stage extract: restored images, and windows at candidates, become tables of named features."""

from project import ROOT  # first, so that the code of this folder runs
from skiagram.projects.stage import StageRun, stage
from skiagram.steps.extract import EXTRACTED, ExtractOptions, extract_project


@stage(ROOT, ExtractOptions)
def main(options: ExtractOptions, run: StageRun) -> None:
    """Extract the chosen feature families of images, and chosen covariates."""
    with run.publish(*(f"data/{name}" for name in EXTRACTED)) as folder:
        extract_project(ROOT, options, folder / "data")


if __name__ == "__main__":
    main()
