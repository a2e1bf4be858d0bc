"""A baseline on what a network makes of films scores new films through the same network."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.models import get_model

from skiagram.deploy.model import load_model
from skiagram.deploy.prediction import predict
from skiagram.errors import DataError
from skiagram.models.deep import embedding
from skiagram.options import build
from tests.deploy.trained import finish, options, prepared

SMALL = "shufflenet_v2_x0_5"


def test_new_films_need_the_same_weights_and_get_the_scores_of_the_train_stage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = tmp_path / "small.pth"
    torch.manual_seed(5)
    torch.save(get_model(SMALL, weights=None).state_dict(), weights)
    source = {"file": weights.name, "sha256": hashlib.sha256(weights.read_bytes()).hexdigest()}
    network = {"architecture": SMALL, "weights": source, "image_size": 32}
    features = [options("features/embedding.yaml", network=network)]
    monkeypatch.chdir(tmp_path)
    cases, table = prepared(tmp_path, options("restoration/repair.yaml"), features)
    composed = options("model/ridge.yaml")
    inputs = tuple(table.of(part.case_id) for part in (cases.development(), cases.test()))
    model = build(composed, "model")
    trained = finish(tmp_path, tmp_path / "preparation", model, composed, cases, inputs)
    prediction = predict(load_model(trained.model), trained.films)
    np.testing.assert_allclose(prediction.rows, trained.expected(), rtol=1e-4)
    embedding._loaded.cache_clear()
    weights.unlink()
    refused = predict(load_model(trained.model), trained.films[:1]).refused
    assert isinstance(refused[0], DataError)
    assert "features.embedding.network.weights" in str(refused[0].remedy)
