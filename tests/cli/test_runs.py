"""The table of runs."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from skiagram.tracking import contract
from skiagram.tracking.comparison import (
    METRICS_ID,
    RecordedRun,
    find_base,
    find_changes,
    metrics_id,
)
from skiagram.tracking.contract import NoTracking
from tests.folders import git
from tests.yaml_rows import read_yaml

RUNS = [RecordedRun(**row) for row in read_yaml(__file__)["runs"]]
FIRST = RUNS[0]


@pytest.fixture
def project(here):
    """Work in a folder that looks like a project; return it."""
    (here / "params.yaml").touch()
    return here


@pytest.fixture
def recorded(project, monkeypatch):
    """Work in a folder without git whose tracker has recorded some runs; return it."""
    tracker = SimpleNamespace(list_runs=lambda home: RUNS)
    monkeypatch.setattr(contract, "find_tracker", lambda project: tracker)
    return project


def test_a_run_shows_what_it_changed_and_the_models_that_the_change_touched(recorded, terminal):
    lines = terminal("runs").splitlines()
    assert max(map(len, lines)) <= 80
    rows = [" ".join(line.split()) for line in lines]
    assert "the first run 2 min" in rows[3]
    assert rows[4:6] == ["random_forest 0.812", "small_cnn 0.700"]
    at = rows.index("sunny-film svm.C: 1.0 → 3.0 35 s")
    assert rows[at + 1] == "svm 0.765 −0.025"
    at = rows.index("bleak-kiln networks: +cnn_3d 2 min")
    assert rows[at + 1] == "seed: 0 → 1"
    # a new model has no difference
    assert {"cnn_3d 0.750", "random_forest 0.820 +0.008", "failed in train_baseline"} <= {*rows}
    # an option of a model or a family that one run lacks is no difference, nor what follows `seed`
    assert not any(word in " ".join(rows) for word in ("depth", "glcm", "plan.seed"))


def test_another_data_set_is_one_change():
    first = {"dataset": "phantom", "dataset.size": "50", "data.sha256": "a", "margin": "0.02"}
    other = {"dataset": "films", "dataset.size": "80", "data.sha256": "b", "margin": "0.05"}
    base, run = (replace(FIRST, options=options) for options in (first, other))
    assert find_changes(run, base) == {"dataset": ("phantom", "films"), "margin": ("0.02", "0.05")}


def test_runs_are_compared_with_the_one_whose_figures_are_committed(recorded):
    assert find_base(RUNS[:3], recorded) == (FIRST, False)
    (recorded / "reports").mkdir()
    (recorded / "reports/metrics.json").write_text("{}\n")
    git(recorded, "init -q", "add -A", "commit -qm run")
    committed = replace(RUNS[1], tags=FIRST.tags | {METRICS_ID: metrics_id(recorded)})
    assert find_base([FIRST, committed], recorded) == (committed, True)


def test_a_project_without_a_recorded_run_says_how_runs_are_recorded(
    recorded, monkeypatch, terminal
):
    monkeypatch.setattr(contract, "find_tracker", lambda project: NoTracking())
    terminal.says("runs", "tracking")


@pytest.mark.parametrize("command", ["runs", "show"])
def test_outside_a_project_the_projects_in_this_folder_are_named(command, here, terminal):
    terminal.says(command, "no project. Do this: go to the project's folder first.", 2)
    (here / "films-project").mkdir()
    (here / "films-project/params.yaml").touch()
    terminal.says(command, "first, `cd films-project`, and type it again.", 2)
    assert [path.name for path in here.iterdir()] == ["films-project"]
    terminal.says("show films-project", "`cd films-project`, then `skiagram show`.", 2)


def test_a_project_without_results_says_how_to_get_them(project, terminal):
    terminal.says("show", "no results yet. Do this: finish the run first: `dvc repro`", 4)
