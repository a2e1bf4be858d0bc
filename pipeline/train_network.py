"""Stage train_network: one network, from restored images and development labels or marks."""

from project import ROOT  # first, so that the code of this folder runs
from skiagram.projects.stage import StageRun, stage
from skiagram.steps.train_network import TrainNetworkOptions, train_network
from skiagram.training.processes import end_together


@stage(ROOT, TrainNetworkOptions, shared=True)
def main(options: TrainNetworkOptions, run: StageRun) -> None:
    """Train the chosen network in all its folds and repeats."""
    name = run.members["model"]
    with end_together(), run.publish(f"models/{name}", f"scores/{name}") as folder:
        train_network(ROOT, name, options, folder, run.rank)


if __name__ == "__main__":
    main()
