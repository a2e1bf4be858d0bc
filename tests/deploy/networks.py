"""A trained network with the films of its test cases."""

from pathlib import Path

from skiagram.models.contract import learner_of
from skiagram.models.deep.inputs import NetworkInputs
from skiagram.options import build, check
from skiagram.preparation import propagate_preparation
from skiagram.records.files import write_table
from skiagram.training.options import Trainer
from tests.deploy.trained import Trained, covariates_of, finish, options, prepared


def trained_network(folder: Path, model: str = "small_cnn", **changed: object) -> Trained:
    """Train a network for one epoch, on images as they are."""
    cases, _ = prepared(folder, options("restoration/repair.yaml"), [])
    composed = options(f"model/{model}.yaml", **changed)
    network = composed.get("model", composed)  # of a tuned one, the network that is tuned
    network["training"] |= {"epochs": 1, "image_size": None, "batch_size": 8}
    trainer = check(Trainer, options("trainer/default.yaml"), "trainer")
    learner = learner_of(build(composed, "model"), trainer, threads=1)
    write_table(covariates_of(cases.case_id), folder / "covariates.parquet")
    cases.write(folder / "cases.parquet")
    seen = NetworkInputs.read(build(network, "model"), folder / "restored", folder)
    propagate_preparation(folder / "restored", folder / "preparation", covariates=seen.covariates)
    inputs = tuple(seen.of(part.case_id) for part in (cases.development(), cases.test()))
    return finish(folder, folder / "preparation", learner, composed, cases, inputs)
