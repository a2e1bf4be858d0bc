"""Stage combine: a model made of others, from their out-of-fold scores and development labels."""

from project import ROOT  # first, so that the code of this folder runs
from skiagram.fitting.arm import ArmFolders
from skiagram.projects.stage import StageRun, stage
from skiagram.records.predictions import COMBINED
from skiagram.steps.combine import CombineOptions, combine_models


@stage(ROOT, CombineOptions)
def main(options: CombineOptions, run: StageRun) -> None:
    """Make the chosen combination."""
    name = run.members["combination"]
    chosen, trained = options.combinations[name], (*options.baselines, *options.networks)
    with run.publish(f"{COMBINED}/models/{name}", f"{COMBINED}/scores/{name}") as folder:
        folders = ArmFolders.under(folder / COMBINED, name)
        combine_models(ROOT, name, chosen, trained, options.plan, folders)


if __name__ == "__main__":
    main()
