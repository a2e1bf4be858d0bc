"""Commit, experiment and seconds, where there are any."""

import subprocess
from pathlib import Path

import pytest

from skiagram.tracking.provenance import commit_tags, experiment_name, home, seconds_of


def _git(folder: Path, *arguments: str) -> str:
    author = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    done = subprocess.run(
        ["git", *author, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_the_commit_and_changed_options(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text("seed: 0\n")
    _git(tmp_path, "init", "-q")
    _git(tmp_path, "add", ".")
    _git(tmp_path, "commit", "-q", "-m", "first")
    commit = _git(tmp_path, "rev-parse", "HEAD")
    (tmp_path / "dvc.lock").write_text("written by every run")
    clean = {"mlflow.source.git.commit": commit, "skiagram.modified": "no"}
    assert commit_tags(tmp_path) == clean
    (tmp_path / "params.yaml").write_text("seed: 1\n")
    assert commit_tags(tmp_path) == clean | {"skiagram.modified": "yes"}


def test_no_commit_outside_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert commit_tags(tmp_path) == {}
    monkeypatch.setenv("PATH", "")
    assert commit_tags(tmp_path) == {}


def test_experiments_have_names_and_a_lasting_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DVC_EXP_NAME", raising=False)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    assert (experiment_name(), home(tmp_path)) == ("workspace", tmp_path)
    monkeypatch.setenv("DVC_EXP_NAME", "sunny-film")
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "project"))
    assert (experiment_name(), home(tmp_path)) == ("sunny-film", tmp_path / "project")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"seconds": "x", "host": "h"}'])
def test_seconds_that_cannot_be_read_are_left_out(tmp_path: Path, content: str) -> None:
    assert seconds_of(tmp_path, "ingest") is None
    noted = tmp_path / ".work/seconds/ingest.json"
    noted.parent.mkdir(parents=True)
    noted.write_text(content)
    assert seconds_of(tmp_path, "ingest") is None
