"""A baseline on what a network makes of films scores new films through the same network."""

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.models import get_model

from skiagram.deploy.model import load_model
from skiagram.deploy.prediction import predict
from skiagram.errors import DataError
from skiagram.features.extraction import save_learned
from skiagram.models.deep import pretrained_encoder
from skiagram.options import build
from tests.deploy.trained import finish, options, prepared

SMALL = "shufflenet_v2_x0_5"


def test_new_films_get_the_scores_of_the_train_stage_without_the_weights_it_read(
    tmp_path: Path,
) -> None:
    weights = tmp_path / "small.pth"
    torch.manual_seed(5)
    torch.save(get_model(SMALL, weights=None).state_dict(), weights)
    source = {"file": str(weights), "sha256": hashlib.sha256(weights.read_bytes()).hexdigest()}
    network = {"architecture": SMALL, "weights": source, "image_size": 32}
    features = [options("features/embedding.yaml", network=network)]
    cases, table = prepared(tmp_path, options("restoration/repair.yaml"), features)
    save_learned([build(one, "features") for one in features], tmp_path / "preparation")
    composed = options("model/ridge.yaml")
    inputs = tuple(table.of(part.case_id) for part in (cases.development(), cases.test()))
    model = build(composed, "model")
    trained = finish(tmp_path, tmp_path / "preparation", model, composed, cases, inputs)
    pretrained_encoder._loaded.cache_clear()
    weights.unlink()  # the model's folder is whole
    prediction = predict(load_model(trained.model), trained.films)
    np.testing.assert_allclose(prediction.rows, trained.expected(), rtol=1e-4)
    shutil.rmtree(trained.model / "learned")
    with pytest.raises(DataError, match="no network can be loaded from here"):
        load_model(trained.model)
