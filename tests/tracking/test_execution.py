"""What is read of a finished pipeline, and a receipt that depends on nothing else."""

import os
import shutil
from pathlib import Path

import pytest

from skiagram.errors import DataError
from skiagram.records import write_record
from skiagram.tracking.execution import read_execution
from skiagram.tracking.none import NoTracking
from tests.tracking.conftest import MODELS


def test_a_run_a_model_in_the_chosen_order(project: Path) -> None:
    execution = read_execution(project, MODELS[::-1], {"seed": 3, "plan": {"folds": 2}})
    assert [run.name for run in execution.children] == list(MODELS[::-1])
    assert [run.failed for run in execution.children] == [True, False, False]
    assert execution.parent.params["plan.folds"] == "2"
    network = execution.children[1]
    assert network.params["data.name"] == "made"
    assert network.tags["skiagram.host"] == "workstation"
    assert ("seconds", 12.5) in [(point.name, point.value) for point in network.points]
    assert "seconds" not in [point.name for point in execution.children[2].points]


def test_models_that_were_not_chosen_are_left_alone(project: Path) -> None:
    execution = read_execution(project, MODELS[:1], {})
    assert execution.receipt.models == MODELS[:1]
    assert not any("cnn" in path for path in execution.receipt.sha256)


def test_the_receipt_is_pure(project: Path, tmp_path: Path) -> None:
    here = read_execution(project, MODELS, {"seed": 0}).receipt
    elsewhere = tmp_path / "another/place"
    shutil.copytree(project, elsewhere)
    shutil.rmtree(elsewhere / ".work")
    for file in elsewhere.rglob("*"):
        os.utime(file, (0, 0))
    there = read_execution(elsewhere, MODELS, {"seed": 0}).receipt
    write_record(here, tmp_path / "here.json")
    write_record(there, tmp_path / "there.json")
    text = (tmp_path / "here.json").read_text()
    assert text == (tmp_path / "there.json").read_text()
    assert str(tmp_path) not in text
    assert here.digest == there.digest


def test_the_receipt_changes_with_any_artefact(project: Path) -> None:
    before = read_execution(project, MODELS, {}).receipt
    (project / "models/svm/repeat0/model.json").write_text("another fit")
    after = read_execution(project, MODELS, {}).receipt
    changed = [path for path in before.sha256 if before.sha256[path] != after.sha256[path]]
    assert changed == ["models/svm/repeat0/model.json"]
    assert before.digest != after.digest


def test_a_chosen_model_without_figures_is_named(project: Path) -> None:
    with pytest.raises(DataError, match="no figures of forest"):
        read_execution(project, (*MODELS, "forest"), {})


def test_a_missing_artefact_is_named(project: Path) -> None:
    (project / "reports/scores.csv").unlink()
    with pytest.raises(DataError, match=r"reports/scores\.csv: is missing"):
        read_execution(project, MODELS, {})


def test_tracking_can_be_off(project: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    said = NoTracking().record(read_execution(project, MODELS, {}), tmp_path)
    assert said == "Nothing recorded: tracking is off."
    assert sorted(tmp_path.rglob("*")) == before
