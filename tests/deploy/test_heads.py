"""A head on a frozen encoder scores new films by the model's folder alone."""

import shutil
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from skiagram.deploy.model import load_model
from skiagram.encoders.encoder import carry_encoder, write_encoding
from skiagram.encoders.encoding import encode_images
from skiagram.errors import DataError
from skiagram.models.head import head_inputs
from skiagram.options import build
from tests.deploy.scored import predict
from tests.deploy.trained import Trained, finish, options, prepared
from tests.encoders.examples import encoder, weights_file


def trained_head(folder: Path, columns: list[str] | None) -> Trained:
    """Train a head as its stage does, then take the weights away that it was made with."""
    path = weights_file(folder)
    features = [options("features/first_order.yaml")]
    cases, table = prepared(folder, options("restoration/repair.yaml"), features)
    table.write(folder / "features.parquet")
    given = encoder(path)
    encoding, record = encode_images(folder / "restored", given)
    write_encoding(encoding, record, given, folder / "encoded")
    composed = options("model/ridge.yaml", columns=columns)
    model = build(composed, "model")
    head, read = head_inputs(model, encoding, folder / "features.parquet", record.title)
    inputs = tuple(read.of(part.case_id) for part in (cases.development(), cases.test()))
    described = {"encoder": asdict(record), "head": composed}
    preparation = folder / ("preparation" if head.fused else "restored")
    trained = finish(folder, preparation, head, described, cases, inputs)
    carry_encoder(folder / "encoded", trained.model)
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
