"""A row's model: what it reads is opened once, and of equal trainings one is made."""

import multiprocessing
import pickle
import time
from dataclasses import replace
from functools import partial

import numpy as np

from skiagram.composition import Composition
from skiagram.preparation import PreparedData
from skiagram.records.files import write_record
from skiagram.sweeps import candidates
from skiagram.sweeps.candidates import Candidate, train_candidate
from skiagram.sweeps.workspace import Workspace
from skiagram.tasks.cases import Cases
from skiagram.tasks.classes import Classes
from skiagram.tasks.task import Task
from tests.sweeps.small_phantom import PLAN, context_in


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


def test_of_two_jobs_with_an_equal_training_one_waits_and_takes_what_was_made(
    tmp_path, monkeypatch
):
    notes = tmp_path / "notes"

    def train(*given):
        with notes.open("a") as file:
            file.write("trained\n")
        time.sleep(0.1)
        given[-2].scores.mkdir(parents=True)  # folders, before the context

    monkeypatch.setattr(candidates, "train_model", train)
    monkeypatch.setattr(Candidate, "model", lambda self, threads: Reader())
    names = np.array(["a", "b"])
    prepared = PreparedData.under(tmp_path)
    cases = Cases(names, names, np.array(["train", "test"]), np.array([0, -1]))
    cases.write(prepared.cases / "cases.parquet")
    write_record(Task(Classes(("no", "yes"), 1), "holdout"), prepared.cases / "task.json")
    monkeypatch.setattr(Candidate, "inputs", lambda self, prepared: {})
    workspace = Workspace(Composition(tmp_path), None, context_in(tmp_path / "work"))
    given = (workspace, prepared, Candidate("svm", {}), PLAN)
    jobs = [
        multiprocessing.get_context("fork").Process(target=partial(train_candidate, *given))
        for _ in range(2)
    ]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
        assert job.exitcode == 0
    assert (train_candidate(*given) / "scores").is_dir()
    assert notes.read_text() == "trained\n"
    assert [held.kind for held in workspace.store.held()] == ["trained"]
