"""A dvc.lock that a killed run left behind is put back, or said to be lost; nothing else is."""

import json
import os
import shutil
import subprocess
import sys

import pytest
from dvc.fs import utils as dvc_files
from dvc.rwlock import SCHEMA

from skiagram.projects.lock import repair
from tests.folders import git
from tests.pipeline.project import REPOSITORY

TINY = """stages:
  copy:
    cmd: cp params.yaml out.txt
    deps: [params.yaml]
    outs: [out.txt]
"""


def mend(folder):
    lines = repair(folder)
    assert len(lines) <= 1
    return "".join(lines)


@pytest.mark.slow
def test_a_cut_lock_is_put_back_and_nothing_runs_again(project):
    (project.folder / "dvc.yaml").write_text(TINY)
    project.run("dvc", "init", "--no-scm", "-q", code=0)
    project.run("dvc", "repro", code=0)
    lock = project.folder / "dvc.lock"
    whole = lock.read_bytes()
    assert mend(project.folder) == ""
    for cut in (0, 8, whole.index(b"copy:") + 6, len(whole) - 5):
        lock.write_bytes(whole[:cut])
        assert mend(project.folder).startswith(
            "dvc.lock was cut short by a killed run; the one of the la"
        )
        assert lock.read_bytes() == whole
    lock.write_bytes(b"")
    assert "validation failed" in project.run("dvc", "repro").stderr  # what DVC does without it
    shown = project.skiagram("show", code=4)
    assert shown.stderr.startswith("dvc.lock was cut short")  # then: no report, as nothing ran
    assert "'copy' didn't change, skipping" in project.run("dvc", "repro").stdout


LOCK = b"""schema: '2.0'
stages:
  copy:
    cmd: cp params.yaml out.txt
    outs:
    - path: out.txt
"""


@pytest.mark.slow
@pytest.mark.parametrize("content", [b"", b'{"write": {"data/cas', b"\0" * 40])
def test_a_cut_note_of_who_uses_what_is_removed_and_dvc_runs(content, project):
    (project.folder / "dvc.yaml").write_text(TINY)
    project.run("dvc", "init", "--no-scm", "-q", code=0)
    note = project.folder / ".dvc" / "tmp" / "rwlock"
    note.parent.mkdir(exist_ok=True)
    note.write_bytes(content)
    mended = project.skiagram("repair", code=0)
    assert mended.stderr.startswith("`.dvc/tmp/rwlock` was cut short by a killed run")
    assert not note.exists()
    note.write_text("{}")
    assert mend(project.folder) == ""
    assert note.exists()
    if not content:
        note.write_bytes(content)
        assert "rwlock" in project.run("dvc", "repro").stderr  # what DVC does without it
        mend(project.folder)
        project.run("dvc", "repro", code=0)


def test_a_note_that_names_a_killed_process_alone_is_removed(tmp_path):
    """Nobody asks how it ended, as in a container without an init process: it stays defunct."""
    note = tmp_path / ".dvc" / "tmp" / "rwlock"
    note.parent.mkdir(parents=True, exist_ok=True)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        user = {"pid": process.pid, "cmd": "dvc repro"}
        held = {"write": {"/a/data/code": user}, "read": {"/a/src": [user]}}
        SCHEMA(held)
        note.write_text(json.dumps(held))
        assert mend(tmp_path) == ""
        assert note.exists()
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and is kept
        assert "processes that have ended" in mend(tmp_path)
        assert not note.exists()


def test_copies_that_a_killed_dvc_had_begun_are_removed_unless_one_is_at_work(tmp_path):
    note = tmp_path / ".dvc/tmp/rwlock"
    begun = [tmp_path / folder / dvc_files.tmp_fname() for folder in ("reports", "data/images")]
    own = [tmp_path / name for name in ("reports/.notes.tmp", "data/images/a.tmp", "mine/.a.tmp")]
    for path in (note, *begun, *own):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
    user = {"pid": os.getpid(), "cmd": "dvc repro"}
    note.write_text(json.dumps({"write": {str(tmp_path / "reports"): user}}))
    assert mend(tmp_path) == ""
    assert all(path.exists() for path in begun)
    note.write_text("{}")
    assert "Copies of outputs" in mend(tmp_path)
    assert not any(path.exists() for path in begun)
    assert all(path.exists() for path in own)
    assert mend(tmp_path) == ""


@pytest.mark.slow
def test_without_a_copy_git_has_one_and_without_git_every_stage_is_new(project):
    lock = project.folder / "dvc.lock"
    lock.write_bytes(LOCK)
    git(project.folder, "init -q", "add -f dvc.lock", "commit -q -m lock")
    lock.write_bytes(LOCK[: len(LOCK) // 2])
    assert mend(project.folder).endswith("the one of git was put back.")
    assert lock.read_bytes() == LOCK
    shutil.rmtree(project.folder / ".git")
    shutil.rmtree(project.folder / ".work", ignore_errors=True)
    lock.write_bytes(b"schema: '2.0\n")
    assert mend(project.folder).endswith("so every stage is new.")
    assert not lock.exists()
    assert mend(project.folder) == ""
    lock.write_bytes(b"<<<<<<< HEAD\n" + LOCK)
    conflict = project.skiagram("repair", code=4)
    assert "left by a merge" in conflict.stderr
    assert lock.read_bytes() == b"<<<<<<< HEAD\n" + LOCK


def test_make_repro_mends_the_lock_before_dvc_reads_it():
    text = (REPOSITORY / "Makefile").read_text()
    repro = text[text.index("\nrepro:") :]
    assert repro.index("repair") < repro.index("dvc repro\n") < repro.index("skiagram show")
