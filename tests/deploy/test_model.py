"""A model's folder from someone else runs no code, and damage is named in one line."""

import json
import shutil

import numpy as np
import pytest

from skiagram.deploy.model import load_model
from skiagram.errors import DataError, SkiagramError
from tests.deploy.scored import predict
from tests.deploy.trained import trained_baseline
from tests.yaml_rows import read_yaml

ROWS = read_yaml(__file__, "tampered.yaml")
SLOW = {"network": pytest.mark.slow}


def edited(model, folder, record, at, value):
    """Copy a model's folder with one value of its records changed; return the copy."""
    copy = folder / "model"
    shutil.copytree(model, copy)
    content = json.loads((copy / record).read_text())
    *above, last = (int(part) if part.isdigit() else part for part in at.split("."))
    within = content
    for part in above:
        within = within[part]
    within[last] = value
    (copy / record).write_text(json.dumps(content))
    return copy


@pytest.fixture
def foreign(tmp_path, monkeypatch):
    """Return the trace that importing the module `intruder` would leave."""
    trace = tmp_path / "trace"
    (tmp_path / "intruder.py").write_text(f"open({str(trace)!r}, 'w').close()\nclass Code: ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    return trace


@pytest.mark.parametrize(
    "row", [pytest.param(row, marks=SLOW.get(row.get("of"), ())) for row in ROWS]
)
def test_a_record_that_no_training_leaves_is_refused_and_runs_no_code(
    row, foreign, request, tmp_path
):
    model = request.getfixturevalue(row.get("of", "baseline")).model
    copy = edited(model, tmp_path, row["record"], row["at"], row["value"])
    with pytest.raises(SkiagramError, match=row["said"]) as raised:
        load_model(copy)
    assert row.get("cause", "") in str(raised.value.__cause__)
    assert not foreign.exists()


@pytest.mark.parametrize("damage", ["missing", "cut"])
@pytest.mark.parametrize(
    ("arm", "name"),
    [
        ("baseline", "deployment.json"),
        ("baseline", "preparation.json"),
        ("baseline", "repeat1/model.json"),
        ("baseline", "repeat1/model.skops"),
        pytest.param("network", "repeat1/architecture.json", marks=pytest.mark.slow),
        pytest.param("network", "repeat1/weights.safetensors", marks=pytest.mark.slow),
    ],
)
def test_a_missing_or_damaged_file_is_one_line(arm, name, damage, request, tmp_path):
    copy = tmp_path / "model"
    shutil.copytree(request.getfixturevalue(arm).model, copy)
    content = (copy / name).read_bytes()
    if damage == "missing":
        (copy / name).unlink()
    else:
        (copy / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError) as raised:
        load_model(copy)
    assert str(copy) in str(raised.value)
    assert "Do this" in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.slow
def test_a_missing_training_mean_is_named(tmp_path):
    model = trained_baseline(tmp_path, "training_mean").model
    mean = model / "training_mean.npy"
    np.save(mean, np.array([{}]), allow_pickle=True)
    with pytest.raises(DataError, match=r"training_mean\.npy: is damaged"):
        load_model(model)
    mean.unlink()
    with pytest.raises(DataError, match=r"training_mean\.npy: is missing"):
        load_model(model)


def test_a_model_of_regions_refuses_images_without_masks_by_name(baseline, tmp_path):
    copy = edited(baseline.model, tmp_path, "preparation.json", "regions", True)
    prediction = predict(load_model(copy), baseline.films[:2])
    assert not prediction.files
    assert all("without a mask" in said and "--table" in said for said in prediction.refused)
