"""Temporary folders: gone after use, and after a kill when the next is made."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from skiagram.compute.scratch import scratch_folder

HELD = """
import time
from skiagram.compute.scratch import scratch_folder
with scratch_folder("predict") as folder:
    (folder / "image").write_bytes(b"pixels")
    print(folder, flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def test_a_folder_is_gone_after_use_whatever_happens(temporary):
    def fail():
        with scratch_folder("predict") as folder:
            (folder / "image").write_bytes(b"pixels")
            raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        fail()
    assert not list(temporary.iterdir())


def test_a_folder_that_is_being_removed_gets_no_lock_again(temporary, monkeypatch):
    """Its thread takes the lock out first, then the folder, which must be empty by then."""
    removed = temporary / "skiagram-predict-another"
    removed.mkdir()
    monkeypatch.setattr(Path, "glob", lambda *_: iter([removed / ".in-use"]))  # a moment before
    with scratch_folder("predict"):
        removed.rmdir()


@pytest.mark.slow
def test_what_a_kill_left_is_removed_and_what_is_in_use_stays():
    command = [sys.executable, "-c", HELD]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        held = Path(process.stdout.readline().strip())
        earlier = time.time() - 3600
        os.utime(held / ".in-use", (earlier, earlier))
        with scratch_folder("predict"):
            assert (held / "image").exists()
        process.send_signal(signal.SIGKILL)
    with scratch_folder("predict"):
        assert not held.exists()
