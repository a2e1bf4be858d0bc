"""What a row's model reads is opened once, and anew for other data or in another process."""

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from skiagram.preparation import PreparedData
from skiagram.records.cases import Task
from skiagram.records.files import write_record
from skiagram.sweeps.candidates import Candidate


class Reader:
    """A model that returns where it was asked to read."""

    def read(self, prepared: PreparedData, task: Task) -> Any:
        return [prepared.features]


def test_what_it_reads_is_opened_once_while_the_data_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Candidate, "model", lambda self, threads: Reader())
    prepared = PreparedData.under(tmp_path)
    write_record(Task(("no", "yes"), 1, "holdout"), prepared.cases / "task.json")
    candidate = Candidate("svm", {})
    opened: Any = candidate.read(prepared)
    assert candidate.read(replace(prepared)) is opened
    other = replace(prepared, features=tmp_path / "other.parquet")
    elsewhere: Any = candidate.read(other)
    assert elsewhere == [tmp_path / "other.parquet"]
    sent = pickle.loads(pickle.dumps(candidate))  # as a worker gets it
    assert sent == candidate
    assert candidate.read(prepared) is not opened
