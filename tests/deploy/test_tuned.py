"""A tuned model is deployed like any other: each repeat scores with what its own search chose."""

import json
import shutil

import numpy as np
import pytest

from skiagram.deploy.model import load_model
from skiagram.deploy.scorers import ModelScorer
from skiagram.errors import SkiagramError
from skiagram.fitting.deployment import CHECKSUMS
from skiagram.models.classical.estimator import ClassicalModel
from skiagram.models.tuned import TUNING
from tests.deploy.scored import predict
from tests.deploy.trained import trained_baseline


@pytest.mark.slow
def test_what_the_search_chose_is_loaded_and_what_cannot_be_is_refused(tmp_path):
    budget = {"trials": 2, "folds": 2}
    trained = trained_baseline(tmp_path, model="tuned_svm", budget=budget)
    model = load_model(trained.model)
    assert model.deployment.title.endswith(", tuned")
    assert isinstance(model.scorer, ModelScorer)
    assert isinstance(model.scorer.model, ClassicalModel)  # what the search chose, not `Tuned`
    np.testing.assert_allclose(predict(model, trained.films).rows, trained.expected(), atol=1e-6)
    wrong = {
        "names the class `os.path.Path`": {"_target_": "os.path.Path"},
        "no such option": {"unknown": 1},
    }
    for message, options in wrong.items():
        copy = shutil.copytree(trained.model, tmp_path / message[:5])
        path = copy / "repeat0" / TUNING
        tuning = json.loads(path.read_text())
        tuning["trials"][tuning["best"]]["options"] |= options
        path.write_text(json.dumps(tuning))
        (copy / CHECKSUMS).unlink(missing_ok=True)
        with pytest.raises(SkiagramError, match=message):
            load_model(copy)
