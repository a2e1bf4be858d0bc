"""A row's model: what it reads is opened once, and of equal trainings one is made."""

import pickle
from dataclasses import replace

from skiagram.preparation import PreparedData
from skiagram.records.files import write_record
from skiagram.sweeps.candidates import Candidate
from skiagram.tasks.classes import Classes
from skiagram.tasks.task import Task


class Reader:
    """A model that returns where it was asked to read."""

    def read(self, prepared, task):
        return [prepared.features]


def test_what_it_reads_is_opened_once_while_the_data_are_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(Candidate, "model", lambda self, threads: Reader())
    prepared = PreparedData.under(tmp_path)
    write_record(Task(Classes(("no", "yes"), 1), "holdout"), prepared.cases / "task.json")
    candidate = Candidate("svm", {})
    opened = candidate.read(prepared)
    assert candidate.read(replace(prepared)) is opened
    other = replace(prepared, features=tmp_path / "other.parquet")
    elsewhere = candidate.read(other)
    assert elsewhere == [tmp_path / "other.parquet"]
    sent = pickle.loads(pickle.dumps(candidate))  # as a worker gets it
    assert sent == candidate
    assert candidate.read(prepared) is not opened
