"""A tuned model is deployed like any other: each repeat scores with what its own search chose."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skiagram.deploy.model import load_model
from skiagram.deploy.package import opened_model, pack
from skiagram.deploy.scorers import ModelScorer
from skiagram.errors import SkiagramError
from skiagram.models.classical.estimator import ClassicalModel
from skiagram.models.deployment import CHECKSUMS, write_checksums
from skiagram.models.tuned import TUNING
from tests.deploy.scored import predict
from tests.deploy.trained import Trained, trained_baseline

pytestmark = pytest.mark.slow
BUDGET = {"trials": 3, "folds": 2}


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("tuned")
    return trained_baseline(folder, model="tuned_svm", budget=BUDGET)


def test_a_package_scores_new_images_as_training_scored_them(
    tuned: Trained, tmp_path: Path
) -> None:
    copy = shutil.copytree(tuned.model, tmp_path / "models/tuned_svm")
    write_checksums(copy)
    pack(copy, tmp_path / "tuned.skiagram")
    with opened_model(tmp_path / "tuned.skiagram") as model:
        assert model.deployment.title.endswith(", tuned")
        rows = predict(model, tuned.films).rows
        assert isinstance(model.scorer, ModelScorer)
        assert isinstance(model.scorer.model, ClassicalModel)  # what the search chose, not `Tuned`
    np.testing.assert_allclose(rows, tuned.expected(), rtol=0, atol=1e-9)


@pytest.mark.parametrize("options", [{"_target_": "os.path.Path"}, {"unknown": 1}])
def test_a_folder_whose_search_chose_what_cannot_be_is_refused(
    tuned: Trained, tmp_path: Path, options: dict[str, Any]
) -> None:
    copy = shutil.copytree(tuned.model, tmp_path / "model")
    path = copy / "repeat0" / TUNING
    tuning = json.loads(path.read_text())
    tuning["trials"][tuning["best"]]["options"] |= options
    path.write_text(json.dumps(tuning))
    (copy / CHECKSUMS).unlink(missing_ok=True)
    with pytest.raises(SkiagramError, match=r"names the class `os.path.Path`|no such option"):
        load_model(copy)


def test_a_tuned_network_scores_new_images_as_training_scored_them(tmp_path: Path) -> None:
    from tests.deploy.networks import trained_network

    trained = trained_network(tmp_path, "tuned_small_cnn", budget=BUDGET | {"trials": 2})
    rows = predict(load_model(trained.model), trained.films).rows
    np.testing.assert_allclose(rows, trained.expected(), rtol=0, atol=1e-5)
