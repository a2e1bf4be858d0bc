"""Records and tables come back as they were, in bytes that depend on their content alone."""

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from skiagram.errors import DataError
from skiagram.records.files import read_record, read_table, write_record, write_table
from skiagram.records.predictions import Outcome, Predictions, probabilities_of, scores_of
from skiagram.tasks.cases import SEALED, Cases, DataCard
from skiagram.tasks.classes import Classes
from skiagram.tasks.task import Task

RECORDS = [
    Task(Classes(("benign", "malignant"), 1), "holdout"),
    Task(Classes(("a", "b", "c"), None), "cv"),
    DataCard("x", "X", "CT", "CC0", "A. Body", "url", True, ("issue",), {"twins": "on purpose"}),
    Outcome("svm", "classical", "SVM", "failed", "ran out", options={"gamma": ["scale", 1]}),
]


def cases():
    """Six cases of three patients, two of them sealed."""
    return Cases(
        case_id=np.array(["c0", "c1", "c2", "c3", "c4", "c5"]),
        patient_id=np.array(["p0", "p0", "p1", "p1", "p2", "p2"]),
        split=np.array(["train", "train", "validation", "validation", "test", "test"]),
        label=np.array([0, 1, 1, 0, SEALED, SEALED], dtype=np.int64),
    )


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_a_record_comes_back_equal_in_equal_bytes(record, tmp_path):
    first, second = tmp_path / "a" / "record.json", tmp_path / "b.json"
    write_record(record, first)
    again = read_record(type(record), first)
    assert again == record
    write_record(again, second)
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("text", ["", "{}", '{"classes": ["a"], "positive": "a", "design": "cv"}'])
def test_a_file_that_holds_another_record_is_named(text, tmp_path):
    path = tmp_path / "task.json"
    path.write_text(text)
    with pytest.raises(DataError, match=r"task\.json: unreadable record"):
        read_record(Task, path)


def test_cases_come_back_equal(tmp_path):
    cases().write(tmp_path / "cases.parquet")
    again = Cases.read(tmp_path / "cases.parquet")
    for name in ("case_id", "patient_id", "split", "label"):
        np.testing.assert_array_equal(getattr(again, name), getattr(cases(), name))
    assert again.label.dtype == np.int64


def test_an_empty_table_keeps_its_columns_and_types(tmp_path):
    cases().select(np.array([], dtype=np.int64)).write(tmp_path / "empty.parquet")
    cases().write(tmp_path / "full.parquet")
    schemas = [pq.read_schema(tmp_path / f"{name}.parquet") for name in ("empty", "full")]
    assert schemas[0] == schemas[1]
    assert len(Cases.read(tmp_path / "empty.parquet")) == 0


def test_a_table_of_equal_content_is_equal_bytes(tmp_path):
    """Neither the index, nor attributes, nor how the frame came about reach the file."""
    frame = pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "z"]})
    other = pd.DataFrame({"b": ["z", "x", "y"], "a": [3, 1, 2]}).sort_values("a")[["a", "b"]]
    other.attrs["made"] = "elsewhere"
    write_table(frame, tmp_path / "one.parquet")
    write_table(other, tmp_path / "two.parquet")
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()
    assert b"pandas" not in (tmp_path / "one.parquet").read_bytes()


def test_a_damaged_or_missing_table_is_named(tmp_path):
    path = tmp_path / "table.parquet"
    with pytest.raises(DataError, match=r"table\.parquet: unreadable table"):
        read_table(path)
    write_table(pd.DataFrame({"a": range(1000)}), path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match="unreadable table"):
        read_table(path)


def predictions():
    """Two cases of the out-of-fold part, one of the test part, three classes."""
    table = pd.DataFrame(
        {
            "part": ["out_of_fold", "test", "out_of_fold"],
            "repeat": [0, 0, 0],
            "fold": [0, -1, 1],
            "case_id": ["c0", "c1", "c2"],
            "threshold": [np.nan, 0.4, np.nan],
        }
    )
    for k in range(3):
        table[f"score_{k}"] = np.arange(3) * 10.0 + k
        table[f"probability_{k}"] = [0.2, 0.3, 0.5][k]
    return Predictions(Outcome("svm", "classical", "SVM", "finished"), table)


def test_scores_and_probabilities_are_columns_in_class_order():
    table = predictions().table
    assert scores_of(table).tolist() == [[0, 1, 2], [10, 11, 12], [20, 21, 22]]
    assert probabilities_of(table)[0].tolist() == [0.2, 0.3, 0.5]
