"""Partitions keep patients whole, classes everywhere, and depend on the seed alone."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skiagram.errors import DataError, OptionError
from skiagram.records.files import write_table
from skiagram.splits import (
    draw_subset,
    grouped_folds,
    inner_validation,
    leave_one_group_out,
    read_groups,
)


@st.composite
def cohorts(draw):
    """Labels and patients of 2 to 60 images; a patient's images may differ in label."""
    n = draw(st.integers(2, 60))
    patient = draw(st.lists(st.integers(0, 25), min_size=n, max_size=n))
    label = draw(st.lists(st.integers(0, 2), min_size=n, max_size=n))
    return np.array(label, dtype=np.int64), np.array([f"p{one}" for one in patient])


@pytest.mark.slow
@settings(max_examples=60)
@given(cohorts(), st.integers(2, 5), st.integers(0, 1000))
def test_folds_hold_every_row_out_once_and_never_divide_a_patient(cohort, folds, seed):
    label, patient = cohort
    try:
        partitions = grouped_folds(label, patient, folds, seed, "folds")
    except DataError:
        return
    assert len(partitions) == folds
    held_out = np.concatenate([one.held_out for one in partitions])
    assert sorted(held_out) == list(range(len(label)))
    for one in partitions:
        assert sorted([*one.training, *one.held_out]) == list(range(len(label)))
        assert not set(patient[one.training]) & set(patient[one.held_out])
        assert set(label[one.training]) == set(label[one.held_out]) == set(label)


def test_the_images_of_a_patient_stay_in_one_fold():
    """Folds by class alone, as of `StratifiedKFold`, divide nearly all of these patients."""
    patient = np.repeat(np.array([f"p{one}" for one in range(20)]), 4)
    label = np.repeat(np.arange(20) % 2, 4)
    for one in grouped_folds(label, patient, 5, 0, "folds"):
        assert not set(patient[one.training]) & set(patient[one.held_out])


def test_folds_keep_the_share_of_each_class():
    patient = np.repeat(np.array([f"p{one}" for one in range(150)]), 2)
    label = (np.arange(300) < 60).astype(np.int64)
    for one in grouped_folds(label, patient, 5, 0, "folds"):
        assert len(one.held_out) == 60
        assert label[one.held_out].sum() == 12


@pytest.mark.parametrize(
    ("label", "patient", "folds", "said"),
    [
        ([0] * 10 + [1] * 6, [*"abcdefghij", *"kkklll"], 3, "patients of class 1, .* 3 folds: 2"),
        ([0] * 9, [*"abcdefghi"], 3, "only one class"),
        # Class 1 has three patients, yet one of them holds most of both classes.
        ([0, 1, 0, 1, 0, 1], [*"aaaabc"], 2, "missing from a fold"),
    ],
    ids=["too few patients", "one class", "patients of several classes"],
)
def test_folds_that_lack_a_class_are_refused(label, patient, folds, said):
    with pytest.raises(DataError, match=said):
        grouped_folds(np.array(label), np.array(patient), folds, 0, "folds")


def test_a_rare_class_does_not_change_the_share_that_is_set_aside():
    """Three of four patients of a rare class have an image of a common one, too."""
    label = np.array([0] * 60 + [1] * 60 + [2] * 4 + [0] * 3)
    patient = np.array([f"p{one}" for one in [*range(124), 120, 121, 122]])
    parts = [inner_validation(label, patient, 0.2, seed, "validation") for seed in range(20)]
    for part in parts:
        assert len(set(patient[part.held_out])) == 25
        assert set(label[part.held_out]) == set(label[part.training]) == {0, 1, 2}
        assert not set(patient[part.training]) & set(patient[part.held_out])
    assert len({tuple(part.held_out) for part in parts}) == 20  # of a random draw


def test_inner_validation_of_a_small_cohort_keeps_a_patient_of_each_class_on_both_sides():
    label, patient = np.array([0] * 20 + [1] * 3), np.array([f"p{one}" for one in range(23)])
    part = inner_validation(label, patient, 0.15, 0, "validation")
    assert set(label[part.held_out]) == set(label[part.training]) == {0, 1}
    with pytest.raises(DataError, match=r"patients of class 1, .* folds: 1"):
        inner_validation(label[:21], patient[:21], 0.15, 0, "validation")


def test_each_site_is_held_out_whole_and_its_patients_are_in_no_training_part():
    patient = np.array([f"p{k}" for k in np.repeat(np.arange(30), 2)])
    site = np.array(["a", "b", "c"])[np.repeat(np.arange(30), 2) % 3]
    site[1] = "b"  # patient p0 was seen in a and in b
    label = np.repeat(np.arange(30) // 3 % 2, 2).astype(np.int64)
    parts = leave_one_group_out(label, patient, site)
    assert [set(site[one.held_out]) for one in parts] == [{"a"}, {"b"}, {"c"}]
    assert sorted(np.concatenate([one.held_out for one in parts])) == list(range(60))
    for one in parts:
        assert not set(patient[one.training]) & set(patient[one.held_out])
        assert not set(site[one.training]) & set(site[one.held_out])
    # p0 is missing where a or b is held out: a has 19 of its cases, b has 21.
    assert [len(one.training) for one in parts] == [40, 38, 40]


def test_sites_that_cannot_be_held_out_are_refused():
    patient = np.array([f"p{k}" for k in range(20)])
    label = np.repeat([0, 1], 10).astype(np.int64)
    with pytest.raises(DataError, match="all cases have the value a"):
        leave_one_group_out(label, patient, np.full(20, "a"))
    with pytest.raises(DataError, match="class 0 is missing from the training cases when a"):
        leave_one_group_out(label, patient, np.repeat(["a", "b"], 10))


def test_groups_are_read_in_the_order_asked_for(tmp_path):
    table = pd.DataFrame({"case_id": ["c1", "c2", "c3"], "site": ["x", "y", None]})
    write_table(table, tmp_path / "covariates.parquet")
    path = tmp_path / "covariates.parquet"
    assert read_groups(path, "site", np.array(["c2", "c1"])).tolist() == ["y", "x"]
    with pytest.raises(DataError, match="1 cases have no `site`"):
        read_groups(path, "site", np.array(["c3"]))
    with pytest.raises(OptionError, match="no column `hospital`"):
        read_groups(path, "hospital", np.array(["c1"]))


def test_groups_that_are_numbers_have_the_names_of_the_table(tmp_path):
    path = tmp_path / "covariates.parquet"
    write_table(pd.DataFrame({"case_id": ["c1", "c2"], "site": [12.0, 3.0]}), path)
    assert read_groups(path, "site", np.array(["c1", "c2"])).tolist() == ["12", "3"]


PATIENT = np.repeat(np.arange(60).astype(str), 2)
LABEL = np.repeat((np.arange(60) % 3 == 0).astype(np.int64), 2)


@settings(max_examples=10)
@given(st.integers(0, 50), st.integers(0, 4))
def test_subsets_are_nested_whole_patients_of_at_least_the_size(seed, draw):
    sizes = (10, 31, 80, 120)
    subsets = [draw_subset(LABEL, PATIENT, size, seed, draw) for size in sizes]
    for size, rows in zip(sizes, subsets, strict=True):
        assert size <= len(rows) <= size + 1
        assert len(set(PATIENT[rows])) * 2 == len(rows)
        assert abs(LABEL[rows].mean() - 1 / 3) < 0.12
    for smaller, larger in pairwise(subsets):
        assert set(smaller) <= set(larger)


def test_a_subset_larger_than_the_cases_is_refused():
    with pytest.raises(OptionError, match=r"121 of 120 cases to train on.*at most 120"):
        draw_subset(LABEL, PATIENT, 121, 0, 0)
