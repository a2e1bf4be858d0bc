"""A check names every problem at once, in the very words of the run."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from skiagram.errors import DataError
from skiagram.steps.check import check_table, file_order
from skiagram.tables.frames import read_table
from tests.datasets.own_folders import (
    COLUMNS,
    faulty,
    mixed_folder,
    png,
    row,
    sound_folder,
    source_of,
    write_folder,
)
from tests.datasets.sources import ingested


def checked(own, source):
    return check_table(source, read_table(own.csv.read_bytes()))


@pytest.mark.slow
def test_a_sound_folder_has_no_problem(tmp_path):
    own = sound_folder(tmp_path)
    found = checked(own, source_of(own))
    assert found.runnable
    assert [one.name for one in found.first] == found.entries["name"].tolist()
    assert {one.dtype for one in found.first} == {"uint8", "uint16", "float32"}


def one_film_a_patient(place, names):
    """Write films of a patient each; row `at` is of class `at % 2`."""
    rows = [
        row(at, name, patient_id=f"MRN-{at:04d}", label=("normal", "cancer")[at % 2])
        for at, name in enumerate(names)
    ]
    return write_folder(place, {name: png(at) for at, name in enumerate(names)}, rows)


@pytest.mark.slow
def test_every_fault_of_60_mixed_files_is_named_as_the_run_names_it(tmp_path):
    own = mixed_folder(tmp_path)
    found = checked(own, source_of(own)).problems
    named, problems = {problem.where for problem in found}, [str(problem) for problem in found]
    assert all("Do this: " in problem for problem in problems)
    assert named == {*faulty(), "film-00.png", "gone.png", "forgotten.png"}
    left = set(named)
    while left:
        with pytest.raises(DataError) as raised:
            ingested(source_of(own), tmp_path / "out" / str(len(left)), "cv")
        assert str(raised.value) in problems
        _remedy(own, raised.value.where)
        left.remove(raised.value.where)
    source = source_of(own)
    assert checked(own, source).runnable
    _, cases = ingested(source, tmp_path / "out" / "clean", "cv")
    assert len(cases) == 52


def _remedy(own, name):
    """Do as told: remove the file and its row, or the second row."""
    lines = own.csv.read_text().splitlines()
    of_file = [line for line in lines if line.startswith(f"{name},")]
    if len(of_file) < 2:
        (own.folder / name).unlink(missing_ok=True)
    own.csv.write_text("\n".join(line for line in lines if line not in of_file[-1:]))


@pytest.mark.slow
def test_duplicates_that_the_audit_would_stop_at_are_named(tmp_path):
    files = {f"film-{at}.png": png(at) for at in range(8)} | {"copy.png": png(0)}
    own = write_folder(tmp_path, files, [row(at, name) for at, name in enumerate(files)])
    found = checked(own, source_of(own))
    assert not found.problems
    assert not found.runnable
    stops = [finding for finding in found.report.findings if finding.stops]
    assert [finding.name for finding in stops] == ["near_duplicates_across_patients"]
    assert stops[0].examples == ("film-0.png and copy.png",)


@pytest.mark.slow
def test_many_files_are_read_in_their_order_by_several_processes(tmp_path):
    files = {f"film-{at:03d}.png": png(at) for at in range(80)} | {"cut.jpg": faulty()["cut.jpg"]}
    own = write_folder(tmp_path, files, [row(at, name) for at, name in enumerate(files)])
    found = checked(own, replace(source_of(own), columns=replace(COLUMNS, patient=None)))
    assert [one.name for one in found.first] == [f"film-{at:03d}.png" for at in range(80)]
    assert [problem.where for problem in found.problems] == ["cut.jpg"]


FILES = 40


def findings(place, names):
    own = one_film_a_patient(place, names)
    source = source_of(own, replace(COLUMNS, covariates=()))
    found = checked(own, source)
    assert not found.problems
    return {one.name: one for one in found.report.findings}


def drawn_names():
    return [f"{number:08d}.png" for number in np.random.default_rng(0).permutation(10**6)[:FILES]]


@pytest.mark.slow
def test_names_by_class_are_noted(tmp_path):
    found = findings(tmp_path, [f"{'ab'[at % 2]}-film-{at:03d}.png" for at in range(FILES)])
    assert found["label_from_file_order"].severity == "note"
    assert "No model sees this" in found["label_from_file_order"].summary


def test_the_order_of_files_is_one_within_folders_of_many_patients():
    label, patient = np.arange(80) // 2 % 2, np.array([f"p{at // 2}" for at in range(80)])
    by_class = [f"{'ab'[k]}/{at:03d}.png" for at, k in enumerate(label)]
    order = file_order(by_class, np.argsort(np.argsort(by_class)), patient)
    for column in order.T:  # a folder is a class: nothing is told by the folder itself
        assert 0.4 < roc_auc_score(label, column) < 0.6
    in_one = [f"{'ab'[k]}{at:03d}.png" for at, k in enumerate(label)]
    assert roc_auc_score(label, file_order(in_one, np.arange(80), patient)[:, 1]) == 1
    by_patient = [f"{'ab'[k]}{at // 2:03d}/1.png" for at, k in enumerate(label)]
    assert roc_auc_score(label, file_order(by_patient, np.arange(80), patient)[:, 1]) == 1


@pytest.mark.slow
def test_names_at_random_are_not(tmp_path):
    found = findings(tmp_path, drawn_names())
    assert {one.severity for one in found.values()} == {"note"}
    assert "label_from_file_order" not in found
    assert "file order" in found["shortcut_probes"].summary
