"""What a person sees of a run."""

import json
import os
import signal
import subprocess
import sys
import time
from io import StringIO

import psutil
import pytest

from skiagram.compute.progress import Progress
from skiagram.notices import NOTES
from skiagram.projects.running import _Watched, _words
from skiagram.projects.stage_times import (
    StageTime,
    expected_seconds,
    note_time,
    plan_time,
    read_time,
)

STAGES = ["digest", "ingest", "audit", "train_baseline@svm", "train_baseline@random_forest"]
SAID = """\
Running stage 'digest':
> python pipeline/digest.py
Updating lock file 'dvc.lock'

Stage 'ingest' didn't change, skipping
Running stage 'audit':
audit: stopped the run for label_conflicts.
Running stage 'audit':
"""


def test_each_stage_is_a_line_and_a_failure_shows_what_was_said(tmp_path, capsys):
    watched = _Watched(tmp_path, STAGES)
    watched.read(StringIO(SAID))
    assert capsys.readouterr().err == "[1 of 5] digest\n[3 of 5] audit\n"
    watched.end(0)
    assert not capsys.readouterr().err
    watched.end(3)
    assert capsys.readouterr().err == "audit: stopped the run for label_conflicts.\n"


def test_a_warning_of_a_stage_is_shown_once_also_where_the_run_ends_well(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)  # a notebook is a stream too
    watched = _Watched(tmp_path, STAGES[:2])
    warning = "Warning: not recorded in sqlite, experiment a (locked). Later: `record.py`.\n"
    watched.read(StringIO(f"Running stage 'record':\n{warning}{warning}"))
    watched.end(0)
    assert capsys.readouterr().err == f"[1 of 2] record\n{warning}"


def test_what_a_machine_refuses_dvc_is_one_line(tmp_path, capsys):
    watched = _Watched(tmp_path)
    said = "ERROR: failed to transfer '0a' - [Errno 28] No space left on device: '/a' -> '/b'\n"
    again = "ERROR: failed to reproduce 'extract': [Errno 28] No space left on device\n"
    watched.read(StringIO(said + again))
    watched.end(255)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("DVC: No space left on device (/b).")
    assert "free space" in line


def test_a_process_notes_how_far_it_is_for_whoever_started_it(tmp_path, monkeypatch):
    monkeypatch.setenv(NOTES, str(tmp_path))
    with Progress("small_cnn", 4) as bar:
        bar.describe("fold 2")
        note = json.loads((tmp_path / f"{os.getpid()}.json").read_text())
        assert (note["title"], note["done"], note["total"]) == ("small_cnn", 0, 4)
        assert note["step"] == "fold 2"
    assert not [*tmp_path.iterdir()]
    told = _words(note | {"done": 1, "seconds": 60.0})
    assert told == "small_cnn 1/4 (fold 2), 3 min left"


def test_lines_on_epochs_tell_how_long_all_fits_take_and_pass_through_a_run(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("SKIAGRAM_STAGE", "train_network")
    now = iter([0.0, 10.0, 40.0])
    monkeypatch.setattr("skiagram.compute.progress.time.time", lambda: next(now))
    with Progress("small_cnn", 2), Progress("epochs", 4) as epochs:
        epochs.advance()
        epochs.tell("fold1, epoch 1 of 4: training loss 0.500")
    line = "  - fold1, epoch 1 of 4: training loss 0.500; 5 min left\n"  # an eighth took 40 s
    assert capsys.readouterr().err == line
    watched = _Watched(tmp_path)
    watched.read(StringIO(line))
    watched.end(1)
    assert capsys.readouterr().err == line


def test_the_first_images_tell_how_long_a_stage_takes_once_where_no_terminal_is(tmp_path, capsys):
    watched, note = _Watched(tmp_path), {"title": "extract", "total": 40, "step": ""}
    for done, seconds in ((1, 2.0), (8, 16.0), (20, 40.0)):
        (tmp_path / f"{os.getpid()}.json").write_text(
            json.dumps(note | {"done": done, "seconds": seconds})
        )
        watched.show(tmp_path)
    assert capsys.readouterr().err.split("\n") == ["    extract 8/40, 64 s left", ""]


def test_earlier_runs_tell_how_long_the_whole_run_takes(tmp_path, capsys):
    for stage, members in (("audit", {}), ("train_baseline", {"model": "svm"})):
        note_time(tmp_path, stage, members, 40.0)
    watched = _Watched(tmp_path, STAGES)
    watched.read(StringIO("Running stage 'digest':\nRunning stage 'audit':\n"))
    # the forest as long as the other model; nothing is known of digest and ingest
    assert capsys.readouterr().err == (
        "[1 of 5] digest, at least 2 min left in all\n[2 of 5] audit, at least 2 min left in all\n"
    )


def test_planned_networks_are_part_of_the_time_that_is_left(tmp_path):
    networks = ["train_network@small_cnn", "train_network@recurrent"]
    plan_time(tmp_path, networks[0], 300.0)
    assert expected_seconds(tmp_path, networks) == (300.0, False)
    note_time(tmp_path, "train_network", {"model": "small_cnn"}, 200.0)
    assert expected_seconds(tmp_path, networks) == (400.0, True)


def test_a_terminal_shows_the_stage_while_no_part_of_it_is_counted(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    watched = _Watched(tmp_path, STAGES)
    watched.read(StringIO("Running stage 'train_baseline@svm':\n"))
    watched.show(tmp_path)
    assert capsys.readouterr().err == "\r[1 of 5] train_baseline@svm | 0 s so far"


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"seconds": "x", "host": "h"}'])
def test_a_time_that_cannot_be_read_is_unknown(tmp_path, content):
    assert read_time(tmp_path, "ingest") is None
    note_time(tmp_path, "ingest", {}, 3.0)
    noted = tmp_path / ".work/seconds/ingest.json"
    assert read_time(tmp_path, "ingest") == StageTime(**json.loads(noted.read_text()))
    noted.write_text(content)
    assert read_time(tmp_path, "ingest") is None


@pytest.mark.parametrize(
    ("said", "code", "expected"),
    [
        ("failed to run: python pipeline/audit.py, exited with 3", 255, 3),
        ("ERROR: Unable to acquire lock", 255, 1),
        ("failed to run: python pipeline/x.py, exited with 137", 255, 1),
        ("", 0, 0),
    ],
)
def test_a_run_ends_on_the_exit_code_of_its_stage(tmp_path, said, code, expected):
    watched = _Watched(tmp_path)
    watched.read(StringIO(f"{said}\n"))
    assert watched.exit_code(code) == expected


RUN = """
from pathlib import Path
from skiagram.projects.running import run_stages
run_stages(Path())
"""
AT_WORK = """
import os, time
def main():
    print(os.getpid(), file=open("pid", "w"), flush=True)
    time.sleep(60)
"""
WITH_A_STAGE = """
import subprocess, sys
def main():
    work = "import os, time; print(os.getpid(), file=open('pid', 'w'), flush=True); time.sleep(60)"
    subprocess.run(f'{sys.executable} -c "{work}"; true', shell=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_a_run_that_ends_leaves_nobody_at_work_in_the_folder(tmp_path, number):
    # in place of DVC, which itself is at work where the run cannot end its stages
    (tmp_path / "dvc/stage").mkdir(parents=True)
    (tmp_path / "dvc/cli.py").write_text(AT_WORK if number == signal.SIGKILL else WITH_A_STAGE)
    for name in ("__init__", "stage/__init__", "stage/run"):
        (tmp_path / f"dvc/{name}.py").touch()
    (tmp_path / "dvc/stage/exceptions.py").write_text("StageCmdFailedError = OSError")
    noted = tmp_path / "pid"
    with subprocess.Popen([sys.executable, "-c", RUN], cwd=tmp_path) as process:
        while process.poll() is None and not (noted.exists() and noted.read_text()):
            time.sleep(0.05)
        process.send_signal(number)
        assert process.wait(60) == (128 + number if number != signal.SIGKILL else -number)
    assert is_gone(int(noted.read_text()))


def is_gone(process):
    """Return whether a process ends within seconds."""
    for _ in range(200):
        try:
            if psutil.Process(process).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.05)
    return False
