"""Trained models meet corrupted images of a small phantom, and a phantom they never saw."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from pydantic import ValidationError
from sklearn.metrics import roc_auc_score

from skiagram.errors import OptionError
from skiagram.records import Cases, read_table, write_table
from skiagram.studies.robustness.study import Robustness, RobustnessResult, Shift
from skiagram.studies.workspace import Workspace
from tests.studies.small_phantom import MODELS, PLAN, small_place

pytestmark = pytest.mark.thorough

AMOUNTS = {"noise": (0.05, 2.0), "brightness": (0.2,)}
OTHER = Shift(dataset="phantom", column=None, other="other_phantom")


def study(**changed: Any) -> Robustness:
    values = MODELS | {"datasets": {"phantom": "holdout"}, "corruptions": AMOUNTS}
    values |= {"shifts": (OTHER,), "fifths": 5, "restoration": "repair", "margin": 0.02}
    return Robustness(**(values | {"plan": replace(PLAN, folds=2)} | changed))


def two_phantoms(folder: Path) -> Workspace:
    workspace = small_place(folder, (28, 4, 24))
    values = yaml.safe_load((workspace.conf / "dataset/phantom.yaml").read_text())
    values |= {"name": "other_phantom", "title": "Other phantom", "seed": 5, "noise": 0.9}
    (workspace.conf / "dataset/other_phantom.yaml").write_text(yaml.safe_dump(values))
    return workspace


@pytest.mark.parametrize(
    ("corruptions", "words"),
    [
        ({"fog": (0.1,)}, "no corruption `fog`; there are noise, blur"),
        ({"noise": (0.2, 0.1)}, "amounts of `noise` must ascend"),
        ({"jpeg": (50.0, 100.0)}, "amounts of `jpeg` go up to 99"),
    ],
)
def test_a_wrong_corruption_is_named(corruptions: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        study(corruptions=corruptions)


@pytest.mark.parametrize(("column", "other"), [(None, None), ("site", "phantom")])
def test_a_shift_is_of_a_column_or_of_a_data_set(column: str | None, other: str | None) -> None:
    with pytest.raises(ValidationError, match="name a `column` or an `other` data set"):
        Shift(dataset="phantom", column=column, other=other)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("robustness")


@pytest.fixture(scope="module")
def result(folder: Path) -> RobustnessResult:
    return study().run(two_phantoms(folder))


def test_figures_are_those_of_the_sealed_cases(result: RobustnessResult, folder: Path) -> None:
    (found,) = result.datasets
    assert (found.cases, found.patients) == (48, 24)
    labels = [
        read_table(path) for path in (folder / "work").glob("ingested-*/sealed/labels.parquet")
    ]
    theirs = {
        round(roc_auc_score(label.sort_values("case_id")["label"] == 1, ranking[0]), 9)
        for path in (folder / "work").glob("viewed-*/ranking.npy")
        for ranking in [np.load(path)]
        for label in labels
    }
    (model,) = found.models
    assert model.clean
    steps = [model.clean, *(one for curve in model.curves for one in curve.figures)]
    assert [len(curve.figures) for curve in model.curves] == [2, 1]
    assert {round(one.auc.value or 0, 9) for one in steps} <= theirs


def test_another_phantom_is_met_by_models_of_both(result: RobustnessResult) -> None:
    (source,) = result.shifts[0].sources
    assert (source.source, source.cases, source.patients) == ("Other phantom", 48, 24)
    assert source.own_training == source.foreign_training == 64
    (model,) = source.models
    assert model.own
    assert model.foreign
    assert model.foreign.change.value == pytest.approx(
        (model.foreign.auc.value or 0) - (model.own.auc.value or 0)
    )


def test_a_rerun_trains_nothing_again(result: RobustnessResult, folder: Path) -> None:
    before = sorted(path.name for path in (folder / "work").iterdir())
    assert study().run(small_place(folder)) == result
    assert sorted(path.name for path in (folder / "work").iterdir()) == before


def test_another_amount_makes_only_its_own_pieces(result: RobustnessResult, folder: Path) -> None:
    before = {path.name for path in (folder / "work").iterdir()}
    corruptions = AMOUNTS | {"noise": (0.05, 0.5, 2.0)}
    found = study(corruptions=corruptions, shifts=()).run(small_place(folder))
    own = result.datasets[0].models[0].curves[0].figures
    assert found.datasets[0].models[0].curves[0].figures[::2] == own
    made = sorted({path.name for path in (folder / "work").iterdir()} - before)
    assert [name.partition("-")[0] for name in made] == [
        "corrupted", "features", "image_features", "viewed",
    ]  # fmt: skip


def test_cross_validated_sets_score_every_case_once(folder: Path) -> None:
    found = study(
        datasets={"phantom": "cv"}, corruptions={"contrast": (0.5,)}, shifts=()
    ).run(small_place(folder))  # fmt: skip
    (one,) = found.datasets
    assert (one.cases, one.patients) == (112, 56)
    assert len(list((folder / "work").glob("trained-*"))) == 2 + 5


def test_networks_are_loaded_again_and_score_as_they_did(folder: Path) -> None:
    workspace = small_place(folder)
    options = yaml.safe_load((workspace.conf / "model/small_cnn.yaml").read_text())
    options["training"]["epochs"] = 2
    (workspace.conf / "model/hasty.yaml").write_text(yaml.safe_dump(options))
    found = study(
        baselines=(), networks=("hasty",), corruptions={"brightness": (0.2,)}, shifts=()
    ).run(workspace)  # fmt: skip
    (piece,) = (folder / "work").glob("trained-hasty-*")
    rows = read_table(piece / "scores/predictions.parquet")
    test = rows[rows["part"] == "test"].sort_values("case_id")
    rankings = [np.load(path)[0] for path in (folder / "work").glob("viewed-hasty-*/ranking.npy")]
    assert len(rankings) == 2
    trained = test["score_1"] - test["score_0"]
    assert any(np.allclose(ranking, trained, atol=1e-5) for ranking in rankings)
    assert found.datasets[0].models[0].arm == "deep"


def test_each_source_of_a_column_is_met_with_and_without_it_in_training(tmp_path: Path) -> None:
    """Two sites of 14 positive and 14 negative patients; a third is too small; one is unknown."""
    workspace = small_place(tmp_path, (40, 2, 22))
    shift = Shift(dataset="phantom", column="site", other=None)
    with pytest.raises(OptionError, match="no covariate `site`"):
        study(datasets={}, shifts=(shift,)).run(workspace)
    (data,) = workspace.work.glob("ingested-*")
    cases = Cases.read(data / "cases/cases.parquet")
    site: dict[str, str | None] = {}
    for label in range(2):
        patients = np.unique(cases.patient_id[cases.label == label])
        names = ["A"] * 14 + ["B"] * 14 + ["C"] * 3 + [None] * (len(patients) - 31)
        site |= dict(zip(patients.tolist(), names, strict=True))
    covariates = read_table(data / "cases/covariates.parquet")
    covariates["site"] = [site[one] for one in cases.patient_id.tolist()]
    write_table(covariates, data / "cases/covariates.parquet")
    (data / "piece.json").write_text(json.dumps({"files": {}, "links": []}))  # else it is damaged
    (found,) = study(datasets={}, shifts=(shift,)).run(workspace).shifts
    assert [one.source for one in found.sources] == ["A", "B"]
    for one in found.sources:
        assert (one.cases, one.patients) == (56, 28)
        assert one.foreign_training == 68
        assert 68 <= one.own_training <= 69
        assert one.models[0].own
        assert one.models[0].own.change.value == 0
