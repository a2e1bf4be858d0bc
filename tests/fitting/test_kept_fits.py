"""A run that was killed takes up the classical fits that it had finished, with equal bytes."""

import multiprocessing
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from skiagram.compute.context import RunContext
from skiagram.compute.pieces import PieceStore
from skiagram.compute.workers import IN_PROCESS
from skiagram.fitting import fits
from skiagram.fitting.arm import ArmFolders
from skiagram.fitting.contract import Arm
from skiagram.fitting.fits import keep_fits
from tests.folders import digest_files
from tests.models.classical.families import model
from tests.models.examples import cases_of, labelled, train_as

DATA = labelled(patients=30)
SPLIT = np.repeat(["train", "test"], [44, 16])


@dataclass(frozen=True)
class Counting:
    """A tree that notes each of its fits, and is killed in mid-fit where a file says so."""

    notes: Path
    killed_at: int = -1

    arm: ClassVar[Arm] = "classical"
    uses_validation: ClassVar[bool] = False
    title: ClassVar[str] = "Tree"

    def fit(self, training, context):
        """Note the fit, then make it or die."""
        made = len(self.notes.read_text().splitlines()) if self.notes.exists() else 0
        with self.notes.open("a") as file:
            file.write(f"{context.seed}\n")
        if made == self.killed_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return model("decision_tree").fit(training, context)


def run(folder, tree, compute=IN_PROCESS):
    cases = cases_of(DATA, SPLIT)
    with keep_fits(RunContext(store=PieceStore(folder / "work")), "model-tree-1f") as fits:
        folders = ArmFolders(folder / "model", folder / "scores", fits)
        train_as("tree", tree, DATA.inputs, cases, folders, compute=compute)
    return digest_files(folder, "model", "scores")


def in_another_process(call, *arguments):
    process = multiprocessing.get_context("fork").Process(target=call, args=arguments)
    process.start()
    process.join()
    return process.exitcode


@pytest.fixture
def quick_fits_too(monkeypatch):
    monkeypatch.setattr(fits, "MIN_SECONDS", 0.0)


@pytest.mark.slow
@pytest.mark.usefixtures("quick_fits_too")
def test_only_what_was_not_finished_is_fitted_again_and_no_byte_differs(tmp_path):
    expected = run(tmp_path / "undisturbed", Counting(tmp_path / "all"))
    asked = (tmp_path / "all").read_text().splitlines()
    place, notes = tmp_path / "killed", tmp_path / "notes"
    assert in_another_process(run, place, Counting(notes, killed_at=4)) == -signal.SIGKILL
    assert run(place, Counting(notes)) == expected
    noted = notes.read_text().splitlines()
    assert sorted(noted) == sorted([*asked, noted[4]])  # the killed one twice, all others once
    assert [held.kind for held in PieceStore(place / "work").held()] == []
