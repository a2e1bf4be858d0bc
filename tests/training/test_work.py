"""Unfinished work is found again by equal inputs alone, and goes once it is done."""

from contextlib import suppress
from pathlib import Path

import numpy as np

from skiagram.records import Cases
from skiagram.training.work import work_folder


def cases(label: int = 0) -> Cases:
    text = np.array(["a", "b"])
    return Cases(text, text, np.array(["train", "test"]), np.array([label, -1]))


def kept(root: Path, table: Cases, *inputs: str) -> Path:
    """Leave a folder behind as a killed stage does."""
    with suppress(KeyboardInterrupt), work_folder(root, None, table, *inputs) as folder:
        (folder / "state").touch()
        raise KeyboardInterrupt
    return folder


def test_equal_inputs_find_the_state_and_success_removes_it(tmp_path: Path) -> None:
    left = kept(tmp_path, cases(), "options", "images")
    with work_folder(tmp_path, None, cases(), "options", "images") as again:
        assert again == left
        assert (again / "state").exists()
    assert not left.exists()


def test_any_other_input_starts_anew(tmp_path: Path) -> None:
    folders = {
        kept(tmp_path, cases(), "options", "images"),
        kept(tmp_path, cases(1), "options", "images"),
        kept(tmp_path, cases(), "other options", "images"),
        kept(tmp_path, cases(), "options", "other images"),
        kept(tmp_path, cases(), "optionsimages", ""),
    }
    assert len(folders) == 5
