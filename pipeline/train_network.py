"""Stage train_network: one network, from restored images and development labels or marks."""

from functools import partial
from typing import Any

from pydantic.dataclasses import dataclass

from entrypoint import choice, stage
from option_files import ROOT
from outputs import process_rank, publish
from skiagram.compute.pieces import PieceStore
from skiagram.models.arm import ArmFolders, TrainOptions
from skiagram.models.contract import learner_of
from skiagram.options import STRICT, build
from skiagram.preparation import PreparedData
from skiagram.records.cases import read_cases
from skiagram.steps.train import train_model
from skiagram.training.options import Trainer
from skiagram.training.processes import is_last


@dataclass(**STRICT)
class Options(TrainOptions):
    """Choices of the stage."""

    trainer: Trainer


@stage(Options)
def main(options: Options) -> None:
    """Train the chosen network in all its folds and repeats."""
    name, network = choice("model"), build(options.model, "model")
    learner = learner_of(network, options.trainer, options.compute.threads)
    prepared, known = PreparedData.under(ROOT / "data"), read_cases(ROOT / "data/cases")
    store, rank = PieceStore.of_project(ROOT), process_rank()
    with publish(f"models/{name}", f"scores/{name}") as staging:
        folders = ArmFolders.under(staging, name)
        shared: dict[str, Any] = {"alone": rank is None, "finished": partial(is_last, rank)}
        train_model(name, learner, options, prepared, *known, folders, store, **shared)


if __name__ == "__main__":
    main()
