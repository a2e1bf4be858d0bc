"""The table of runs has a row for each run that was committed, wherever it was."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from skiagram.cli import runs
from skiagram.cli.main import main


def test_a_run_is_a_commit_of_any_branch_that_changed_the_lock_since_it_was_removed(
    tmp_path: Path,
) -> None:
    lock = tmp_path / "dvc.lock"

    def git(*words: str) -> str:
        author = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        done = subprocess.run(
            ["git", *author, *words], cwd=tmp_path, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(text: str | None) -> str:
        lock.unlink() if text is None else lock.write_text(text)
        git("add", "-A")
        git("commit", "-qm", str(text))
        return git("rev-parse", "--short", "HEAD")

    git("init", "-q", "-b", "main")
    commit("of other options")
    first = [commit(text) for text in (None, "first", "second")][1:]
    git("commit", "-q", "--allow-empty", "-m", "a note")
    git("switch", "-qc", "narrower")
    branched = commit("third")
    git("switch", "-q", "main")
    assert sorted(runs.find_committed_runs(tmp_path)) == sorted([*first, branched])


@pytest.mark.slow
def test_a_run_whose_best_models_stayed_the_same_shows_their_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    author = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    figures = {
        "svm": {"selection_auc": 0.7, "roc_auc": 0.71},
        "best_classical": {"selection_auc": 0.812},
        "best_deep_minus_best_classical": {"roc_auc": -0.053, "low": -0.1, "high": 0.01},
    }
    files = {
        "dvc.yaml": "stages: {}\nmetrics: [metrics.json]\nparams: [params.yaml]\n",
        "metrics.json": json.dumps(figures),
        "params.yaml": "penalty: 1\n",
        "dvc.lock": "schema: '2.0'\nstages: {}\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    changed = {"svm": {"selection_auc": 0.6, "roc_auc": 0.6}}
    commands = [["git", "init", "-q", "-b", "main"], [sys.executable, "-m", "dvc", "init", "-q"]]
    commit = ["git", *author, "commit", "-qam", "a run"]
    for command in (*commands, ["git", "add", "-A"], commit):
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    (tmp_path / "params.yaml").write_text("penalty: 2\n")
    (tmp_path / "metrics.json").write_text(json.dumps(figures | changed))
    subprocess.run(commit, cwd=tmp_path, check=True, capture_output=True)
    assert main(["runs"]) == 0
    table = capfd.readouterr().out
    assert "0.812" in table
    assert "-0.053" in table
    assert "svm" not in table


def test_a_folder_without_git_has_no_committed_run(
    tmp_path: Path,
) -> None:
    assert runs.find_committed_runs(tmp_path) == []


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
