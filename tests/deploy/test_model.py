"""A model's folder from someone else runs no code, and damage is named in one line."""

import json
import shutil
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from skiagram.deploy.model import load_model
from skiagram.errors import DataError, SkiagramError
from tests.deploy.scored import predict
from tests.deploy.trained import trained_baseline

Edit = Callable[[dict[str, Any]], object]
OUTSIDE = (float("nan"), float("inf"), 7, 1e9, -0.1)


def edited(model, folder, name, edit):
    """Copy a model's folder with one of its records changed."""
    copy = folder / "model"
    shutil.copytree(model, copy)
    values = json.loads((copy / name).read_text())
    edit(values)
    (copy / name).write_text(json.dumps(values))
    return copy


@pytest.fixture
def foreign(tmp_path, monkeypatch):
    """Return the trace that importing the module `intruder` would leave."""
    trace = tmp_path / "trace"
    (tmp_path / "intruder.py").write_text(f"open({str(trace)!r}, 'w').close()\nclass Code: ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    return trace


@pytest.mark.parametrize("target", ["intruder.Code", "skiagram.options.build"])
@pytest.mark.parametrize(
    "place",
    [
        *("options", "acquisition", "restoration", "features"),
        pytest.param("network", marks=pytest.mark.slow),
    ],
)
def test_foreign_code_is_refused_before_it_is_imported(place, target, foreign, request, tmp_path):
    arm = "network" if place == "network" else "baseline"
    model = request.getfixturevalue(arm).model
    name, edit = {
        "options": ("deployment.json", lambda v: v["options"].update(_target_=target)),
        "acquisition": ("preparation.json", lambda v: v.update(acquisition={"_target_": target})),
        "restoration": ("preparation.json", lambda v: v["restoration"].update(_target_=target)),
        "features": ("preparation.json", lambda v: v["features"][0].update(_target_=target)),
        "network": ("repeat1/architecture.json", lambda v: v["network"].update(_target_=target)),
    }[place]
    with pytest.raises(DataError, match=r"names the class .*\.json|\.json: names the class"):
        load_model(edited(model, tmp_path, name, edit))
    assert not foreign.exists()


@pytest.mark.parametrize("arm", ["baseline", pytest.param("network", marks=pytest.mark.slow)])
def test_foreign_code_inside_the_options_of_a_model_is_refused_too(arm, foreign, request, tmp_path):
    inside = {"_target_": "intruder.Code"}
    name, edit = {
        "baseline": ("deployment.json", lambda v: v["options"].update(selection=inside)),
        "network": ("repeat1/architecture.json", lambda v: v["network"].update(training=inside)),
    }[arm]
    model = request.getfixturevalue(arm).model
    with pytest.raises(DataError, match=r"names the class `intruder\.Code`"):
        load_model(edited(model, tmp_path, name, edit))
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


@pytest.mark.parametrize(
    ("name", "edit", "words"),
    [
        ("deployment.json", lambda v: v.update(decisions=[]), "is damaged"),
        (
            "deployment.json",
            lambda v: v["task"]["predicted"].update(names=["a", "b", "c"]),
            "is damaged",
        ),
        ("preparation.json", lambda v: v["features"].pop(), "does not extract"),
        ("preparation.json", lambda v: v["restoration"].update(strength=3), "no such option"),
    ],
    ids=["no repeats", "three classes", "a family less", "unknown option"],
)
def test_records_that_contradict_one_another_are_refused(name, edit, words, baseline, tmp_path):
    with pytest.raises(SkiagramError, match=words):
        load_model(edited(baseline.model, tmp_path, name, edit))


@pytest.mark.parametrize(
    ("name", "place", "value"),
    [
        *[("deployment.json", ("decisions", 0, "threshold"), value) for value in OUTSIDE],
        ("deployment.json", ("decisions", 0, "calibration", "slope"), 0),
        ("deployment.json", ("decisions", 0, "calibration", "intercept", 0), float("nan")),
        ("deployment.json", ("sensitivity",), 2),
        ("fingerprint.json", ("limits", 0), 9),
        ("fingerprint.json", ("level",), -1),
        ("fingerprint.json", ("familiarity", "limit"), float("inf")),
        ("fingerprint.json", ("familiarity", "scale", 0), 0),
    ],
)
def test_a_number_that_no_training_leaves_is_refused_though_checksums_are_right(
    name, place, value, baseline, tmp_path
):
    def change(values):
        for part in place[:-1]:
            values = values[part]
        values[place[-1]] = value

    copy = edited(baseline.model, tmp_path, name, change)
    with pytest.raises(DataError, match=f"{name}: is damaged or no") as raised:
        load_model(copy)
    assert str(place[-1]) in str(raised.value.__cause__)


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
    copy = edited(baseline.model, tmp_path, "preparation.json", lambda v: v.update(regions=True))
    prediction = predict(load_model(copy), baseline.films[:2])
    assert not prediction.files
    assert all("without a mask" in said and "--table" in said for said in prediction.refused)
