"""Patients stay whole, and models that saw a source are trained on as many cases."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skiagram.records import Cases, Task
from skiagram.studies.cohorts import Cohort, draw_nested_subsets

TASK = Task(("no", "yes"), 1, "cv")


def cases(patients: int, images: int, seed: int = 0) -> Cases:
    """Return patients of several images; every second one is positive."""
    number = np.repeat(np.arange(patients), images)
    order = np.random.default_rng(seed).permutation(len(number))
    case_id = np.array([f"case-{at:04d}" for at in range(len(number))])
    patient_id = np.array([f"patient-{one}" for one in number[order]])
    return Cases(case_id, patient_id, np.full(len(number), "train"), number[order] % 2)


def assert_patients_whole(one: Cohort) -> None:
    sides = (one.cases.development(), one.cases.test())
    assert not set(sides[0].patient_id) & set(sides[1].patient_id)


@pytest.mark.slow
@settings(max_examples=8, deadline=None)
@given(patients=st.integers(10, 40), images=st.integers(1, 3), seed=st.integers(0, 50))
def test_fifths_test_every_case_once_and_keep_patients_whole(
    patients: int, images: int, seed: int
) -> None:
    known = cases(patients, images, seed)
    found = Cohort(known, TASK).fifths(5, seed)
    tested = np.concatenate([one.cases.test().case_id for one in found])
    assert sorted(tested) == known.case_id.tolist()
    for one in found:
        assert_patients_whole(one)
        assert one.task.design == "holdout"
    assert len(Cohort(known, TASK).fifths(2, seed)) == 2


def test_a_sealed_test_set_is_its_own_cohort() -> None:
    known = cases(10, 1)
    task = Task(("no", "yes"), 1, "holdout")
    (found,) = Cohort(known, task).fifths(5, 0)
    assert found == Cohort(known, task)


@settings(max_examples=8, deadline=None)
@given(share=st.floats(0.3, 0.7), images=st.integers(1, 3), seed=st.integers(0, 50))
def test_both_trainings_leave_the_scored_patients_out_and_are_of_one_size(
    share: float, images: int, seed: int
) -> None:
    known = cases(60, images, seed)
    names = np.unique(known.patient_id)
    own = np.isin(known.patient_id, names[: int(share * len(names))])
    own[np.flatnonzero(~own)[:1]] = True  # one patient has cases of both sources
    pool = Cohort(known, TASK)
    foreign, seen = pool.without_source(own), pool.with_source(own, seed)
    of_source = set(known.case_id[own])
    assert set(foreign.cases.test().case_id) == of_source
    tested = [one.cases.test().case_id for one in seen]
    assert sorted(np.concatenate(tested)) == sorted(of_source)
    size = len(foreign.cases.development())
    for one in (foreign, *seen):
        assert_patients_whole(one)
        assert size <= len(one.cases.development()) < size + images
    assert all(of_source & set(one.cases.development().case_id) for one in seen)
    assert not of_source & set(foreign.cases.development().case_id)


PATIENT = np.repeat(np.arange(60).astype(str), 2)
LABEL = np.repeat((np.arange(60) % 3 == 0).astype(np.int64), 2)


@settings(max_examples=10)
@given(st.integers(0, 50), st.integers(0, 4))
def test_subsets_are_nested_whole_patients_of_at_least_the_size(seed: int, draw: int) -> None:
    sizes = (10, 31, 80, 120)
    subsets = draw_nested_subsets(LABEL, PATIENT, sizes, seed, draw)
    for size, rows in zip(sizes, subsets, strict=True):
        assert size <= len(rows) <= size + 1
        assert len(set(PATIENT[rows])) * 2 == len(rows)
        assert abs(LABEL[rows].mean() - 1 / 3) < 0.12
    for smaller, larger in pairwise(subsets):
        assert set(smaller) <= set(larger)
