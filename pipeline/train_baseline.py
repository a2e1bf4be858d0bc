"""Stage train_baseline: one classical model, on what it reads and development labels.

It reads features, an encoder's numbers, places in images, or scores that came with the data.
"""

from entrypoint import choice, stage
from option_files import ROOT
from outputs import publish
from skiagram.compute.pieces import PieceStore
from skiagram.models.arm import ArmFolders, TrainOptions
from skiagram.options import build
from skiagram.preparation import PreparedData
from skiagram.records.cases import read_cases
from skiagram.steps.train import train_model


@stage(TrainOptions)
def main(options: TrainOptions) -> None:
    """Train the chosen baseline in all its folds and repeats."""
    name, model = choice("model"), build(options.model, "model")
    prepared, known = PreparedData.under(ROOT / "data"), read_cases(ROOT / "data/cases")
    store = PieceStore.of_project(ROOT)
    with publish(f"models/{name}", f"scores/{name}") as staging:
        folders = ArmFolders.under(staging, name)
        train_model(name, model, options, prepared, *known, folders, store)


if __name__ == "__main__":
    main()
