"""The table of predictions is whole, exact and readable whatever the files are called."""

import csv
from pathlib import Path

import numpy as np
import pytest

from skiagram.deploy.prediction import Prediction
from skiagram.deploy.table import write_predictions
from skiagram.records import Task

BINARY = Task(("normal", "malignant"), positive=1, design="cv")
MULTI = Task(("a", "b", "c"), positive=None, design="cv")


def read(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
        return list(csv.reader(file))


def test_awkward_names_and_every_digit_come_back(tmp_path: Path) -> None:
    names = ["a,b.png", 'say "a".png', "two\nlines.png", "süß.png", "not \udce9 text.png"]
    rows = list(np.random.default_rng(0).dirichlet((1, 1), len(names)))
    write_predictions(Prediction([Path(n) for n in names], rows), BINARY, 0.5, tmp_path / "t.csv")
    header, *found = read(tmp_path / "t.csv")
    assert header == ["file", "probability_normal", "probability_malignant", "decision"]
    assert [row[0] for row in found] == names
    np.testing.assert_array_equal([[float(v) for v in row[1:3]] for row in found], rows)


def test_the_threshold_itself_is_positive(tmp_path: Path) -> None:
    rows = [np.array([1 - p, p]) for p in (0.3, 0.30000000000000004, 0.29999999999999993)]
    write_predictions(Prediction([Path("f")] * 3, rows), BINARY, 0.3, tmp_path / "t.csv")
    assert [row[-1] for row in read(tmp_path / "t.csv")[1:]] == ["positive", "positive", "negative"]


def test_more_classes_have_no_decision(tmp_path: Path) -> None:
    write_predictions(
        Prediction([Path("f")], [np.array([0.2, 0.3, 0.5])]), MULTI, None, tmp_path / "t.csv"
    )
    assert read(tmp_path / "t.csv")[0] == ["file", *(f"probability_{k}" for k in "abc")]


def test_a_full_disk_leaves_the_earlier_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "t.csv"
    table.write_text("mine\n")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space"):
        write_predictions(Prediction([Path("f")], [np.ones(2) / 2]), BINARY, 0.5, table)
    assert table.read_text() == "mine\n"
    assert list(tmp_path.iterdir()) == [table]
