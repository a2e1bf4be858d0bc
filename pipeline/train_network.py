"""Stage train_network: one network, from restored images and development labels or marks."""

from project import ROOT  # first, so that the code of this folder runs
from skiagram.projects.stage import StageRun, stage
from skiagram.steps.train_network import TrainNetworkOptions, train_network


@stage(ROOT, TrainNetworkOptions)
def main(options: TrainNetworkOptions, run: StageRun) -> None:
    """Train the chosen network in all its folds and repeats."""
    name = run.members["model"]
    with run.publish(f"models/{name}", f"scores/{name}") as folder:
        train_network(ROOT, name, options, folder)


if __name__ == "__main__":
    main()
