"""Stage train_baseline: one classical model, on features, encodings, places or readers' scores."""

from project import ROOT  # first, so that the code of this folder runs
from skiagram.compute.context import RunContext
from skiagram.fitting.arm import TrainOptions
from skiagram.models.arm_of_file import require_arm
from skiagram.options import build
from skiagram.projects.stage import StageRun, stage
from skiagram.steps.reliance import write_reliance
from skiagram.steps.train import train_in_project


@stage(ROOT, TrainOptions)
def main(options: TrainOptions, run: StageRun) -> None:
    """Train the chosen baseline in all its folds and repeats."""
    name = run.members["model"]
    require_arm(name, options.model, "baselines", stage=True)
    model, context = build(options.model, "model"), RunContext.of_project(ROOT, options.compute)
    with run.publish(f"models/{name}", f"scores/{name}") as folder:
        train_in_project(ROOT, name, model, options, folder, context)
        write_reliance(ROOT, name, model, options.plan.seed, folder)


if __name__ == "__main__":
    main()
