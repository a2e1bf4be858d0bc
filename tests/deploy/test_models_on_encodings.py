"""A head on a frozen encoder scores new films by the model's folder alone."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from skiagram.deploy.model import load_model
from skiagram.encoders.encoder import carry_encoder, write_encoding
from skiagram.encoders.encoding import encode_images
from skiagram.errors import DataError
from skiagram.options import build
from skiagram.preparation import PreparedData, propagate_preparation
from skiagram.steps.train import describe
from tests.deploy.scored import predict
from tests.deploy.trained import TASK, Trained, finish, options, prepared
from tests.encoders.examples import encoder, weights_file


def trained_head(folder: Path, columns: list[str] | None) -> Trained:
    """Train a head as its stage does, then take the weights away that it was made with."""
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


@pytest.mark.thorough
@pytest.mark.parametrize("columns", [None, ["encoding", "first_order"]])
def test_new_films_get_the_scores_of_the_train_stage(
    tmp_path: Path, columns: list[str] | None
) -> None:
    trained = trained_head(tmp_path, columns)
    prediction = predict(load_model(trained.model), trained.films)
    np.testing.assert_allclose(prediction.rows, trained.expected(), rtol=1e-4)
    shutil.rmtree(trained.model / "learned")
    with pytest.raises(DataError, match="no such file of weights"):
        load_model(trained.model)
