"""What is read of a finished pipeline, and a receipt that depends on nothing else."""

import json
import os
import shutil
from dataclasses import replace

import pytest

from skiagram.compute.checkout import home
from skiagram.errors import DataError
from skiagram.options import flatten_options
from skiagram.records.files import write_record
from skiagram.sealing.ledger import LEDGER, OPENING, note_opening, read_ledger
from skiagram.tracking.execution import (
    commit_tags,
    experiment_name,
    read_execution,
    run_name,
)
from tests.folders import git
from tests.tracking.conftest import COMPARISON, MODELS


def test_a_run_a_model_in_the_chosen_order(project):
    execution = read_execution(project, MODELS[::-1], {"seed": 3, "plan": {"folds": 2}})
    assert [run.name for run in execution.children] == list(MODELS[::-1])
    assert [run.failed for run in execution.children] == [True, False, False]
    assert execution.parent.params["plan.folds"] == "2"
    network = execution.children[1]
    assert network.params["data.name"] == "made"
    assert network.tags["skiagram.host"] == "workstation"
    assert ("seconds", 12.5) in [(point.name, point.value) for point in network.points]
    assert (network.began, network.ended) == (1000.0, 1012.5)
    assert "seconds" not in [point.name for point in execution.children[2].points]
    alone = read_execution(project, MODELS[:1], {}).receipt
    assert alone.models == MODELS[:1]
    assert not any("cnn" in path for path in alone.sha256)  # models of an earlier run


@pytest.mark.slow
def test_results_whose_opening_was_not_noted_here_are_noted(project):
    """DVC restored them from a cache, or the ledger was deleted."""
    receipt = read_execution(project, MODELS, {}).receipt
    assert read_ledger(project).find(COMPARISON)
    assert f"reports/{OPENING}" in receipt.sha256
    (project / LEDGER).unlink()
    assert read_execution(project, MODELS, {}).parent.tags["skiagram.opening"] == "1"
    opening = note_opening(project, replace(COMPARISON, digest="0" * 64), project)
    tags = read_execution(project, MODELS, {}).parent.tags
    assert tags["skiagram.ledger"] == opening.hash


def test_nothing_is_noted_where_nothing_is_sealed(project):
    write_record(replace(COMPARISON, seal=""), project / "reports" / OPENING)
    assert "skiagram.opening" not in read_execution(project, MODELS, {}).parent.tags
    assert not (project / LEDGER).exists()


def test_the_receipt_is_pure(project, tmp_path):
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


def test_the_receipt_changes_with_any_artefact(project):
    before = read_execution(project, MODELS, {}).receipt
    (project / "models/svm/repeat0/model.json").write_text("another fit")
    after = read_execution(project, MODELS, {}).receipt
    changed = [path for path in before.sha256 if before.sha256[path] != after.sha256[path]]
    assert changed == ["models/svm/repeat0/model.json"]
    assert before.digest != after.digest


def test_a_chosen_model_without_figures_is_named(project):
    with pytest.raises(DataError, match="no figures of forest"):
        read_execution(project, (*MODELS, "forest"), {})


def test_a_missing_artefact_is_named(project):
    (project / "reports/scores.csv").unlink()
    with pytest.raises(DataError, match=r"reports/scores\.csv: is missing"):
        read_execution(project, MODELS, {})


def test_every_option_keeps_its_place():
    options = {"plan": {"folds": 5, "name": "a b"}, "layers": [32, 64], "pad": (), "none": None}
    assert flatten_options(options) == {
        "plan.folds": "5",
        "plan.name": "a b",
        "layers": "[32, 64]",
        "pad": "[]",
        "none": "null",
    }


def test_the_commit_and_changed_options(tmp_path):
    (tmp_path / "params.yaml").write_text("seed: 0\n")
    commit = git(tmp_path, "init -q", "add .", "commit -q -m first", "rev-parse HEAD").strip()
    (tmp_path / "dvc.lock").write_text("written by every run")
    clean = {"mlflow.source.git.commit": commit, "skiagram.modified": "no"}
    assert commit_tags(tmp_path) == clean
    (tmp_path / "params.yaml").write_text("seed: 1\n")
    assert commit_tags(tmp_path) == clean | {"skiagram.modified": "yes"}


def test_no_commit_outsidegit(tmp_path, monkeypatch):
    assert commit_tags(tmp_path) == {}
    monkeypatch.setenv("PATH", "")
    assert commit_tags(tmp_path) == {}


def test_experiments_have_names_and_a_lasting_home(tmp_path, monkeypatch):
    monkeypatch.delenv("DVC_EXP_NAME", raising=False)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    assert (experiment_name(tmp_path), home(tmp_path)) == ("workspace", tmp_path)
    monkeypatch.setenv("DVC_EXP_NAME", "sunny-film")
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "project"))
    assert (experiment_name(tmp_path), home(tmp_path)) == ("sunny-film", tmp_path / "project")


def test_a_run_of_an_applied_experiment_has_its_name_until_something_is_changed(
    tmp_path, monkeypatch
):
    """As DVC keeps experiments: a commit, a ref with their name, a ref to what was applied."""
    monkeypatch.delenv("DVC_EXP_NAME", raising=False)
    (tmp_path / "params.yaml").write_text("seed: 0\n")
    (tmp_path / "dvc.lock").write_text("first")
    base = git(tmp_path, "init -q", "add .", "commit -q -m first", "rev-parse HEAD").strip()
    (tmp_path / "params.yaml").write_text("seed: 3\n")
    (tmp_path / "dvc.lock").write_text("of the experiment")
    kept = f"update-ref refs/exps/{base[:2]}/{base[2:]}/sunny-film HEAD"
    applied = "update-ref refs/exps/exec/EXEC_APPLY HEAD"
    git(tmp_path, "commit -qam experiment", kept, applied, f"reset -q --soft {base}")
    assert experiment_name(tmp_path) == "sunny-film"
    assert run_name({"seed": 3}, tmp_path) == "sunny-film"
    (tmp_path / "params.yaml").write_text("seed: 4\n")
    assert experiment_name(tmp_path) == "workspace"


def test_names_tell_runs_apart(project, monkeypatch):
    monkeypatch.delenv("DVC_EXP_NAME", raising=False)
    choices = {"dataset": "films", "design": "cv", "seed": 3, "features": "glcm", "folds": 5}
    assert run_name(choices, project).startswith("films-cv-seed3-")
    assert run_name(choices, project) == run_name(dict(reversed(choices.items())), project)
    assert run_name(choices | {"features": "lbp"}, project) != run_name(choices, project)
    execution = read_execution(project, MODELS, choices)
    assert execution.parent.name == run_name(choices, project)
    for child in execution.children:
        assert {name: child.params[f"run.{name}"] for name in choices} == {
            name: str(value) for name, value in choices.items()
        }
    monkeypatch.setenv("DVC_EXP_NAME", "sunny-film")
    assert run_name(choices, project) == "sunny-film"


def test_a_run_lasts_from_its_first_stage_to_its_figures(project):
    for stage, began in (("digest", 100.0), ("evaluate", 160.0)):
        note = {"began": began, "seconds": 5.0, "host": "workstation"}
        (project / f".work/seconds/{stage}.json").write_text(json.dumps(note))
    parent = read_execution(project, MODELS, {}).parent
    assert (parent.began, parent.ended) == (100.0, 165.0)
    # results that DVC restored have no time of their own
    later = {"began": 900.0, "seconds": 1.0, "host": "workstation"}
    (project / ".work/seconds/digest.json").write_text(json.dumps(later))
    assert read_execution(project, MODELS, {}).parent.began is None
