"""Pieces of a study are made once, whole, and belong to their inputs."""

from pathlib import Path

import pytest

from skiagram.errors import OptionError
from skiagram.studies.place import Place
from tests.studies.small_phantom import local_compute


def place(folder: Path) -> Place:
    return Place(folder / "conf", None, folder / "work", local_compute())


def test_a_piece_is_made_once_for_equal_inputs(tmp_path: Path) -> None:
    calls = []

    def make(folder: Path) -> None:
        calls.append(folder)
        (folder / "piece").write_text("done")

    first = place(tmp_path).made("piece", {"a": 1, "b": 2}, make)
    assert place(tmp_path).made("piece", {"b": 2, "a": 1}, make) == first
    assert (first / "piece").read_text() == "done"
    assert len(calls) == 1
    assert place(tmp_path).made("piece", {"a": 2, "b": 2}, make) != first


def test_a_piece_that_failed_leaves_nothing_and_is_made_again(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").write_text("half")
        raise ValueError("stopped")

    with pytest.raises(ValueError, match="stopped"):
        place(tmp_path).made("piece", {}, fail)
    assert list((tmp_path / "work").iterdir()) == []
    folder = place(tmp_path).made("piece", {}, lambda folder: (folder / "whole").touch())
    assert [path.name for path in folder.iterdir()] == ["whole"]


def test_an_unknown_option_file_says_which_there_are(tmp_path: Path) -> None:
    (tmp_path / "conf/dataset").mkdir(parents=True)
    (tmp_path / "conf/dataset/phantom.yaml").write_text("name: phantom")
    assert place(tmp_path).option_file("dataset", "phantom") == {"name": "phantom"}
    with pytest.raises(OptionError, match=r"conf/dataset/films\.yaml.*Allowed: phantom"):
        place(tmp_path).option_file("dataset", "films")
