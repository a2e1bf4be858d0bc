"""What a person sees of a run."""

import json
import os
from io import StringIO
from pathlib import Path

import pytest

from skiagram.compute.progress import NOTES, Progress
from skiagram.projects.running import _Watched, _words

SAID = """\
Running stage 'digest':
> python pipeline/digest.py
Updating lock file 'dvc.lock'

Stage 'ingest' didn't change, skipping
Running stage 'audit':
audit: stopped the run for label_conflicts.
Running stage 'audit':
"""


def test_each_stage_is_a_line_and_a_failure_shows_what_was_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    watched = _Watched(5)
    watched.read(StringIO(SAID))
    assert capsys.readouterr().err == "[1 of 5] digest\n[3 of 5] audit\n"
    watched.end(0)
    assert not capsys.readouterr().err
    watched.end(3)
    assert capsys.readouterr().err == "audit: stopped the run for label_conflicts.\n"


def test_a_process_notes_how_far_it_is_for_whoever_started_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(NOTES, str(tmp_path))
    with Progress("small_cnn", 4) as bar:
        bar.describe("fold 2")
        note = json.loads((tmp_path / f"{os.getpid()}.json").read_text())
        assert (note["title"], note["done"], note["total"]) == ("small_cnn", 0, 4)
        assert note["step"] == "fold 2"
    assert not [*tmp_path.iterdir()]
    told = _words(note | {"done": 1, "seconds": 60.0})
    assert told == "small_cnn 1/4 (fold 2), 3 min left"


@pytest.mark.parametrize(
    ("said", "code", "expected"),
    [
        ("failed to run: python pipeline/audit.py, exited with 3", 255, 3),
        ("ERROR: Unable to acquire lock", 255, 1),
        ("failed to run: python pipeline/x.py, exited with 137", 255, 1),
        ("", 0, 0),
    ],
)
def test_a_run_ends_on_the_exit_code_of_its_stage(said: str, code: int, expected: int) -> None:
    watched = _Watched(1)
    watched.read(StringIO(f"{said}\n"))
    assert watched.exit_code(code) == expected
