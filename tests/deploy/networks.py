"""A trained network, and a head on a frozen one, with the films of their test cases."""

from pathlib import Path

from skiagram.encoders.encoder import carry_encoder, write_encoding
from skiagram.encoders.encoding import encode_images
from skiagram.models.contract import learner_of
from skiagram.models.deep.inputs import NetworkInputs
from skiagram.options import build, check
from skiagram.preparation import PreparedData, propagate_preparation
from skiagram.records.files import write_table
from skiagram.steps.train import describe
from skiagram.training.options import Trainer
from tests.deploy.trained import TASK, Trained, covariates_of, finish, options, prepared


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


def trained_head(folder: Path, columns: list[str] | None) -> Trained:
    """Train a head as its stage does, then take the weights away that it was made with."""
    from tests.encoders.examples import encoder, weights_file

    path = weights_file(folder)
    features = [options("features/first_order.yaml")]
    cases, table = prepared(folder, options("restoration/repair.yaml"), features)
    table.write(folder / "features.parquet")
    given = encoder(path)
    encoding, record = encode_images(folder / "restored", given)
    write_encoding(encoding, record, given, folder / "encodings/tiny")
    propagate_preparation(folder / "restored", folder / "encodings/tiny")
    composed = options("model/ridge.yaml", columns=columns, encoding="tiny")
    model = build(composed, "model")
    reading = model.read(PreparedData.under(folder), TASK)
    inputs = tuple(reading.of(part.case_id) for part in (cases.development(), cases.test()))
    described = describe(composed, reading)
    trained = finish(folder, reading.preparation, model, described, cases, inputs)
    carry_encoder(folder / "encodings/tiny", trained.model)
    path.unlink()
    return trained
