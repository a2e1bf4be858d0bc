"""Stage combine: a model made of others, from their out-of-fold scores and development labels."""

from project import ROOT  # first, so that the code of this folder runs
from skiagram.projects.stage import StageRun, stage
from skiagram.records.predictions import COMBINED
from skiagram.steps.combine import CombineOptions, combine_project


@stage(ROOT, CombineOptions)
def main(options: CombineOptions, run: StageRun) -> None:
    """Make the chosen combination."""
    name = run.members["combination"]
    with run.publish(f"{COMBINED}/models/{name}", f"{COMBINED}/scores/{name}") as folder:
        combine_project(ROOT, name, options, folder / COMBINED)


if __name__ == "__main__":
    main()
