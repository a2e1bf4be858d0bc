"""A saved network comes back as it was, without unpickling anything."""

import json
from pathlib import Path

import numpy as np
import pytest

from skiagram.errors import DataError, ModelFailure
from skiagram.models.contract import FitContext
from skiagram.models.deep.fitted import load_network
from tests.models.deep.spots import halves, learner, spots, training

pytestmark = pytest.mark.slow


def test_a_loaded_network_scores_alike(tmp_path: Path) -> None:
    known, unseen = halves(tmp_path, 48)
    fitted = learner(training()).fit(known, unseen, FitContext(seed=0))
    fitted.save(tmp_path / "model")
    again = load_network(tmp_path / "model")
    np.testing.assert_array_equal(again.scores(unseen.inputs), fitted.scores(unseen.inputs))
    again.save(tmp_path / "copy")
    for name in ("weights.safetensors", "architecture.json"):
        assert (tmp_path / "copy" / name).read_bytes() == (tmp_path / "model" / name).read_bytes()


def test_images_of_another_size_are_refused(tmp_path: Path) -> None:
    known, unseen = halves(tmp_path, 24)
    fitted = learner(training(epochs=1)).fit(known, unseen, FitContext(seed=0))
    larger = spots(tmp_path / "larger", 4, side=20)
    with pytest.raises(ModelFailure, match=r"case0000.*\(1, 20, 20\).*\(1, 16, 16\)"):
        fitted.scores(larger.inputs)


@pytest.mark.parametrize("damage", ["truncated", "missing", "other network", "no json"])
def test_a_damaged_model_is_named(tmp_path: Path, damage: str) -> None:
    known, unseen = halves(tmp_path, 24)
    folder = tmp_path / "model"
    learner(training(epochs=1)).fit(known, unseen, FitContext(seed=0)).save(folder)
    weights, architecture = folder / "weights.safetensors", folder / "architecture.json"
    if damage == "truncated":
        weights.write_bytes(weights.read_bytes()[:100])
    elif damage == "missing":
        weights.unlink()
    elif damage == "other network":
        values = json.loads(architecture.read_text())
        values["network"]["widths"] = [6, 13]
        architecture.write_text(json.dumps(values))
    else:
        architecture.write_text("{")
    with pytest.raises(DataError, match=r"unreadable network.*train it again"):
        load_network(folder)
