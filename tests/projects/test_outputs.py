"""Outputs are replaced whole: a failure or a kill in between loses none."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from skiagram.errors import SkiagramError, named_refusals
from skiagram.projects import outputs as stage_outputs
from tests import REPOSITORY

NAMES = ("data/images", "data/table.txt")
KILLED = """
import os, signal, sys
from pathlib import Path
from skiagram.projects import outputs
from tests import REPOSITORY
from tests.projects.test_outputs import NAMES, write
root, moves = Path(sys.argv[1]), int(sys.argv[2])
move, done = Path.replace, []
def replace(self, target):
    if len(done) == moves:
        os.kill(os.getpid(), signal.SIGKILL)
    done.append(self)
    return move(self, target)
Path.replace = replace
with outputs.publish(root, *NAMES) as staging:
    write(staging, "new")
"""


def write(folder, content):
    (folder / "data/images").mkdir(parents=True)
    (folder / "data/images/shard").write_text(content)
    (folder / "data/table.txt").write_text(content)


def outputs(folder):
    return [(folder / name).read_text() for name in ("data/images/shard", "data/table.txt")]


def leftovers(folder):
    files = [path for path in (folder / ".work").rglob("*") if path.is_file()]
    return [path for path in files if path.parent.name != "running"]


@pytest.mark.slow
@pytest.mark.parametrize("moves", range(5))
def test_a_kill_while_outputs_are_replaced_loses_none(tmp_path, moves):
    write(tmp_path, "old")
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path), str(moves)],
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        check=False,
    )
    assert killed.returncode == (-signal.SIGKILL if moves < 4 else 0)
    with pytest.raises(RuntimeError), stage_outputs.publish(tmp_path, *NAMES):
        raise RuntimeError("the next run fails before it writes anything")
    assert outputs(tmp_path) == (["old"] * 2 if moves < 4 else ["new"] * 2)
    with stage_outputs.publish(tmp_path, *NAMES) as staging:
        write(staging, "newer")
    assert outputs(tmp_path) == ["newer"] * 2
    staged = [path for path in leftovers(tmp_path) if "replaced" in path.parts]
    assert not staged


@pytest.mark.parametrize("failing", range(4))
def test_an_error_while_outputs_are_replaced_puts_the_old_ones_back(tmp_path, failing, monkeypatch):
    write(tmp_path, "old")
    move = Path.replace
    moved = []

    def replace(self, target):
        moved.append(self)
        if len(moved) == failing + 1:
            raise OSError("disk full")
        return move(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    with (
        pytest.raises(OSError, match="disk full"),
        stage_outputs.publish(tmp_path, *NAMES) as staging,
    ):
        write(staging, "new")
    assert outputs(tmp_path) == ["old"] * 2
    assert not leftovers(tmp_path)


def test_a_stage_that_wrote_too_little_replaces_nothing(tmp_path):
    write(tmp_path, "old")
    with (
        pytest.raises(FileNotFoundError, match=r"data/table\.txt"),
        stage_outputs.publish(tmp_path, *NAMES) as staging,
    ):
        (staging / "data/images").mkdir(parents=True)
    assert outputs(tmp_path) == ["old"] * 2
    assert not leftovers(tmp_path)


@pytest.mark.slow
def test_two_runs_of_the_same_outputs_go_one_after_the_other(tmp_path, capsys):
    inside = threading.Event()
    ends = []

    def first():
        with stage_outputs.publish(tmp_path, *NAMES) as staging:
            write(staging, "first")
            inside.set()
            time.sleep(0.5)
            ends.append("first")

    thread = threading.Thread(target=first)
    thread.start()
    assert inside.wait(10)
    with stage_outputs.publish(tmp_path, "models/svm") as staging:  # other outputs do not wait
        (staging / "models/svm").mkdir(parents=True)
    assert not ends
    with stage_outputs.publish(tmp_path, *NAMES) as staging:
        ends.append("second")
        write(staging, "second")
    thread.join()
    assert ends == ["first", "second"]
    assert outputs(tmp_path) == ["second"] * 2
    assert "Another run of this stage is under way" in capsys.readouterr().err


def test_what_a_killed_run_had_written_is_deleted_by_the_next(tmp_path):
    unfinished = tmp_path / ".work/staging/data-images/data/images/half"
    unfinished.parent.mkdir(parents=True)
    unfinished.write_text("half")
    with stage_outputs.publish(tmp_path, *NAMES) as staging:
        assert list(staging.iterdir()) == []
        write(staging, "new")
    assert not leftovers(tmp_path)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES])
def test_what_the_system_refuses_is_one_line_also_where_a_folder_is_copied(number):
    plain = OSError(number, os.strerror(number), "models/svm")
    folder = shutil.Error([("a", "b", str(plain)), ("c", "d", str(plain))])
    for error in (plain, folder):
        with pytest.raises(SkiagramError) as named, named_refusals("combine"):
            raise error
        assert str(named.value).startswith(f"combine: {os.strerror(number)}")
    with pytest.raises(FileNotFoundError), named_refusals("combine"):
        raise FileNotFoundError(errno.ENOENT, "a fault of the program shows where it arose")
