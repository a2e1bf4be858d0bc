"""`skiagram pieces` says what the store of finished work holds, and empties it."""

import pytest

from skiagram.compute.pieces import PieceStore


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    store = PieceStore.of_project(tmp_path)
    for name in ("figures-1", "figures-2", "encodings-1"):
        store.make(name, lambda folder: (folder / "numbers").write_bytes(bytes(2 * 10**6)))
    return store


def test_kinds_are_listed_with_the_room_they_take(store, terminal):
    rows = [line.split() for line in terminal("pieces").splitlines()[1:]]
    assert rows == [["encodings", "1", "2.0"], ["figures", "2", "4.0"]]


def test_one_kind_or_all_is_thrown_away(store, terminal):
    terminal("pieces --empty figures")
    assert [held.kind for held in store.held()] == ["encodings"]
    terminal.says("pieces --empty drawings", "encodings, all", 2)
    terminal.says("pieces --empty all", "holds no finished work")
