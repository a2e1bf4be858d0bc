"""A saved network that is damaged is named; `test_every_network` loads sound ones."""

import json
from pathlib import Path

import pytest

from skiagram.errors import DataError
from skiagram.models.contract import FitContext
from skiagram.models.deep.fitted import load_network
from tests.models.deep.spots import halves, learner, training

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("damage", ["truncated", "missing", "other network", "no json"])
def test_a_damaged_model_is_named(tmp_path: Path, damage: str) -> None:
    known, unseen = halves(tmp_path, 24)
    folder = tmp_path / "model"
    learner(training(epochs=1)).fit(known, FitContext(0, validation=unseen)).save(folder)
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
