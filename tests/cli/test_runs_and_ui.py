"""The table of runs, and where the browser shows them."""

import socket
import subprocess
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from skiagram.cli.main import main
from skiagram.tracking import contract
from skiagram.tracking.comparison import (
    EXPERIMENT,
    FAILED,
    METRICS_ID,
    RecordedRun,
    find_base,
    find_changes,
    metrics_id,
)
from skiagram.tracking.contract import NoTracking
from tests.terminal import Terminal

FIGURES = {
    "best_classical_selection_auc": 0.812,
    "best_deep_selection_auc": 0.7,
    "selection_auc/svm": 0.79,
    "selection_auc/random_forest": 0.812,
    "selection_auc/small_cnn": 0.7,
}
BEST = {"skiagram.best_classical": "random_forest", "skiagram.best_deep": "small_cnn"}
OPTIONS = {"networks": '["small_cnn"]', "seed": "0", "plan.seed": "0", "model.svm.C": "1.0"}
FIRST = RecordedRun("films-cv-seed0-1a2b3c", OPTIONS, FIGURES, BEST, 100.0, 135.0)
CHANGED = {
    "sunny-film": FIRST.options | {"model.svm.C": "3.0", "features.glcm.levels": "32"},
    "bleak-kiln": FIRST.options | {"networks": '["small_cnn", "cnn_3d"]', "seed": "1"},
}
RUNS = [
    FIRST,
    replace(
        FIRST,
        tags=BEST | {EXPERIMENT: "sunny-film"},
        options=CHANGED["sunny-film"],
        figures=FIGURES | {"selection_auc/svm": 0.765},
        began=300.0,
        seconds=35.0,
    ),
    replace(
        FIRST,
        tags=BEST | {EXPERIMENT: "bleak-kiln"},
        options=CHANGED["bleak-kiln"] | {"plan.seed": "1", "model.cnn_3d.depth": "3"},
        figures=FIGURES | {"selection_auc/cnn_3d": 0.75, "selection_auc/random_forest": 0.82},
        began=400.0,
    ),
    RecordedRun("late", CHANGED["sunny-film"], {}, {FAILED: "train_baseline"}, 500.0, 4.0),
]


@pytest.fixture
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[RecordedRun]:
    """Work in a folder without git whose tracker has recorded some runs."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").touch()
    monkeypatch.delenv("DVC_ROOT", raising=False)
    tracker = SimpleNamespace(list_runs=lambda home: RUNS)
    monkeypatch.setattr(contract, "find_tracker", lambda project: tracker)
    return RUNS


def test_a_run_shows_what_it_changed_and_the_models_that_the_change_touched(
    recorded: list[RecordedRun], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["runs"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    rows = [" ".join(line.split()) for line in lines]
    assert "the first run 2 min" in rows[3]
    assert rows[4:6] == ["random_forest 0.812", "small_cnn 0.700"]
    at = rows.index("sunny-film svm.C: 1.0 → 3.0 35 s")
    assert rows[at + 1] == "svm 0.765 −0.025"
    at = rows.index("bleak-kiln networks: +cnn_3d 2 min")
    assert rows[at + 1] == "seed: 0 → 1"
    assert "cnn_3d 0.750" in rows  # a new model has no difference
    assert "random_forest 0.820 +0.008" in rows
    assert "failed in train_baseline" in rows
    # an option of a model or a family that one run lacks is no difference, nor what follows `seed`
    assert not any(word in " ".join(rows) for word in ("depth", "glcm", "plan.seed"))


def test_another_data_set_is_one_change() -> None:
    first = {"dataset": "phantom", "dataset.size": "50", "data.sha256": "a", "margin": "0.02"}
    other = {"dataset": "films", "dataset.size": "80", "data.sha256": "b", "margin": "0.05"}
    base, run = (replace(FIRST, options=options) for options in (first, other))
    assert find_changes(run, base) == {"dataset": ("phantom", "films"), "margin": ("0.02", "0.05")}


def test_runs_are_compared_with_the_one_whose_figures_are_committed(
    recorded: list[RecordedRun], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert find_base(RUNS[:3], tmp_path) == (FIRST, False)
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports/metrics.json").write_text("{}\n")
    author = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    for words in (["init", "-q"], ["add", "-A"], [*author, "commit", "-qm", "a run"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    committed = replace(RUNS[1], tags=BEST | {METRICS_ID: metrics_id(tmp_path)})
    assert find_base([FIRST, committed], tmp_path) == (committed, True)


def test_a_project_without_a_recorded_run_says_how_runs_are_recorded(
    recorded: list[RecordedRun],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(contract, "find_tracker", lambda project: NoTracking())
    assert main(["runs"]) == 0
    assert "tracking" in capsys.readouterr().out


def test_runs_that_mlflow_is_told_to_keep_elsewhere_are_named_and_not_looked_for_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://u:secret@example.org/m?token=secret")
    assert main(["ui"]) == 1
    assert "https://example.org/m" in (said := capsys.readouterr().err)
    assert "secret" not in said
    assert not [*tmp_path.iterdir()]


def test_the_page_of_another_program_is_not_shown_as_that_of_the_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").touch()  # as in a project
    monkeypatch.setattr(subprocess, "Popen", None)  # no server is started
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert main(["ui", str(port)]) == 2
    captured = capsys.readouterr()
    assert f"answers at port {port}" in captured.err
    assert captured.out == ""


@pytest.mark.parametrize("port", ["0", "99999"])
def test_a_number_that_is_no_port_is_one_line(
    port: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").touch()
    monkeypatch.setattr(subprocess, "Popen", None)
    assert main(["ui", port]) == 2
    assert "1 to 65535" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["runs", "ui", "show"])
def test_outside_a_project_the_projects_in_this_folder_are_named(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, terminal: Terminal
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("DVC_ROOT", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    assert "no project. Do this: go to the project's folder first." in terminal([command], 2)
    (tmp_path / "films-project").mkdir()
    (tmp_path / "films-project/params.yaml").touch()
    assert "first, `cd films-project`, and type it again." in terminal([command], 2)
    assert [path.name for path in tmp_path.iterdir()] == ["films-project"]
    assert "`cd films-project`, then `skiagram show`." in terminal(["show", "films-project"], 2)


def test_a_project_without_results_says_how_to_get_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, terminal: Terminal
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    (tmp_path / "params.yaml").touch()
    assert "no results yet. Do this: finish the run first: `dvc repro`" in terminal(["show"], 4)
