"""The store of pieces: each whole or not at all, found again, listed and emptied."""

import errno
import fcntl
import multiprocessing
import os
import signal
import time
from functools import partial
from pathlib import Path

import pytest

from skiagram.compute.files import locked
from skiagram.compute.pieces import PieceStore


def write(text, folder):
    (folder / "numbers").write_text(text)


def in_another_process(call):
    process = multiprocessing.get_context("fork").Process(target=call)
    process.start()
    return process


def test_a_killed_process_leaves_no_piece_and_the_next_one_makes_it(tmp_path):
    store = PieceStore(tmp_path / "pieces")

    def die(folder):
        write("half", folder)
        os.kill(os.getpid(), signal.SIGKILL)

    process = in_another_process(partial(store.make, "fit-1", die))
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert store.find("fit-1") is None
    assert [held.kind for held in store.held()] == ["unfinished"]
    assert (store.make("fit-1", partial(write, "whole")) / "numbers").read_text() == "whole"


def test_of_two_that_make_the_same_piece_both_have_it(tmp_path):
    store = PieceStore(tmp_path)

    def overtaken(folder):
        write("mine", folder)
        store.make("fit-1", partial(write, "theirs"))

    assert (store.make("fit-1", overtaken) / "numbers").read_text() == "theirs"
    assert [held.pieces for held in store.held()] == [1]


@pytest.mark.parametrize("damage", ["numbers", "piece.json"])
def test_a_piece_that_was_written_to_is_made_again(damage, tmp_path):
    store = PieceStore(tmp_path)
    (store.make("fit-1", partial(write, "1 2 3")) / damage).write_text("[]")
    assert store.find("fit-1") is None
    assert (store.make("fit-1", partial(write, "1 2 3")) / "numbers").read_text() == "1 2 3"


def test_parts_of_a_name_are_found_together_and_emptied_with_their_kind(tmp_path):
    store = PieceStore(tmp_path)
    for name in ("encodings-a-2", "encodings-a-1", "encodings-b-1", "fit-1"):
        store.make(name, partial(write, name))
    assert [part.name for part in store.parts("encodings-a")] == ["encodings-a-1", "encodings-a-2"]
    assert [(held.kind, held.pieces) for held in store.held()] == [("encodings", 3), ("fit", 1)]
    store.empty("encodings")
    assert [held.kind for held in store.held()] == ["fit"]
    store.empty()
    assert store.held() == []


def test_a_copy_for_a_queued_experiment_shares_the_store_of_its_project(tmp_path, monkeypatch):
    monkeypatch.delenv("DVC_ROOT", raising=False)
    store = PieceStore.of_project(tmp_path / "project")
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "project"))
    assert PieceStore.of_project(tmp_path / "copy") == store


def test_a_store_that_takes_nothing_is_said_once_and_stops_nothing(tmp_path, capsys, monkeypatch):
    store = PieceStore(tmp_path / "pieces")

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "mkdir", full)
    for name in ("fit-1", "fit-3"):
        store.keep(name, partial(write, ""))
    with store.unfinished("fit-2") as folder:
        assert folder is None
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("Warning: finished work is not kept")
    assert "No space left" in line
    assert "Free some space" in line
    assert store.held() == []


def test_who_makes_the_same_waits_and_finds_it(tmp_path):
    """A run that was killed leaves its work under way to the one that waited."""
    store = PieceStore(tmp_path / "pieces")

    def killed():
        with store.unfinished("model-1") as folder:
            (folder / "epoch").write_text("7")
            time.sleep(60)

    process = in_another_process(killed)
    under_way = store.folder / "unfinished-model-1/epoch"
    while not under_way.exists():
        time.sleep(0.01)
    waiting = in_another_process(partial(_take_up, store, tmp_path / "taken"))
    time.sleep(0.2)
    assert not (tmp_path / "taken").exists()
    process.kill()
    waiting.join()
    assert (tmp_path / "taken").read_text() == "7"


def _take_up(store, noted):
    with store.unfinished("model-1") as folder:
        noted.write_text((folder / "epoch").read_text())


def test_a_disk_without_locks_is_worked_on_and_said_once(tmp_path, monkeypatch, capsys):
    answers = iter([errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])

    def refuse(*_):
        number = next(answers)
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    for _ in range(3):
        with locked(tmp_path / "running" / "models-svm", "Another run is under way."):
            (tmp_path / "made").touch()
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("Warning: ")
    assert "no locks" in line
    assert "one command" in line


def test_a_lock_that_another_reason_refuses_is_an_error(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(OSError, match="Input/output"), locked(tmp_path / "lock"):
        pass
