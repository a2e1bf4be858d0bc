"""Probes of shortcuts: what chance does is not told, what goes with the label is."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu
from sklearn.metrics import roc_auc_score

from skiagram.audit.probe import binned, out_of_fold, probe


def patients(number: int, images: int) -> np.ndarray:
    return np.repeat([f"patient-{at:06d}" for at in range(number)], images)


def test_the_auc_is_that_of_out_of_fold_scores_by_scikit_learn() -> None:
    draws = np.random.default_rng(0)
    label, patient = np.repeat(np.arange(100) % 2, 2), patients(100, 2)
    values = draws.normal(size=(200, 3)) + label[:, None] * [1.0, 0.0, 0.5]
    found = probe(values, label, patient)
    assert found is not None
    assert found.auc == pytest.approx(roc_auc_score(label == 1, found.score), abs=1e-12)
    assert found.auc > found.chance


def test_a_score_never_saw_its_patient() -> None:
    draws = np.random.default_rng(1)
    columns, patient = draws.normal(size=(60, 4)), np.repeat(np.arange(20), 3)
    target = draws.normal(size=(60, 1))
    before = out_of_fold(columns, target, patient)
    own = patient == 7
    target[own] += 100
    after = out_of_fold(columns, target, patient)
    np.testing.assert_array_equal(before[own], after[own])
    assert not np.allclose(before, after)


@pytest.mark.slow
def test_chance_raises_alarm_as_rarely_as_the_shufflings_promise() -> None:
    """One alarm in 500 is promised; among 60 sets more than 2 have a chance below one in 4,000."""
    alarms = 0
    for seed in range(60):
        draws = np.random.default_rng(seed)
        label = np.repeat(draws.permutation(np.arange(20) % 2), 2)
        shared = np.repeat(draws.normal(size=(20, 2)), 2, axis=0)
        found = probe(shared + 0.1 * draws.normal(size=(40, 2)), label, patients(20, 2))
        assert found is not None
        alarms += found.auc > found.chance
    assert alarms <= 2


def test_many_images_of_few_patients_do_not_pass_for_many_patients() -> None:
    """A trait of the patient splits 600 images by luck; by image the p of Mann–Whitney is tiny."""
    draws = np.random.default_rng(17)
    label = np.repeat(draws.permutation(np.arange(24) % 2), 25)
    trait = np.repeat(draws.normal(size=24) + 0.6 * label[::25], 25)
    assert mannwhitneyu(trait[label == 1], trait[label == 0]).pvalue < 1e-6
    found = probe(trait[:, None], label, patients(24, 25))
    assert found is not None
    assert found.auc < found.chance


def test_a_trait_need_not_grow_with_the_label() -> None:
    draws = np.random.default_rng(2)
    trait = draws.normal(size=300)
    found = probe(trait[:, None], (np.abs(trait) < 0.6).astype(np.int64), patients(300, 1))
    assert found is not None
    assert found.auc > 0.9


def test_the_class_that_is_told_is_named_even_when_it_is_small() -> None:
    draws = np.random.default_rng(3)
    label = draws.choice([0, 1, 2], p=[0.6, 0.32, 0.08], size=400)
    trait = draws.normal(size=400) + 4 * (label == 2)
    found = probe(trait[:, None], label, patients(400, 1))
    assert found is not None
    assert found.label == 2
    assert found.auc > max(0.9, found.chance)


def test_missing_values_may_be_what_tells() -> None:
    label = np.arange(100) % 2
    trait = np.where(label == 1, np.nan, np.random.default_rng(4).normal(size=100))
    found = probe(trait[:, None], label, patients(100, 1))
    assert found is not None
    assert found.auc == 1


@pytest.mark.parametrize("smaller", [9, 10])
def test_a_class_of_fewer_than_ten_patients_is_not_tried(smaller: int) -> None:
    label = (np.arange(60) < smaller).astype(np.int64)
    found = probe(label[:, None].astype(np.float64), label, patients(60, 1))
    assert (found is None) == (smaller < 10)


def test_a_trait_that_is_equal_in_all_tells_nothing() -> None:
    label = np.arange(60) % 2
    assert probe(np.full((60, 2), 7.0), label, patients(60, 1)) is None
    assert probe(np.full((60, 2), np.nan), label, patients(60, 1)) is None


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.floats(-1e6, 1e6, width=32) | st.just(np.nan) | st.sampled_from([0.0, 1.0]),
        min_size=2,
        max_size=80,
    )
)
def test_every_value_has_one_bin_and_order_is_kept(values: list[float]) -> None:
    column = np.array(values)
    bins = binned(column[:, None])
    if not bins.shape[1]:
        assert len(np.unique(column)) == 1
        return
    assert (bins.sum(axis=1) == 1).all()
    known = np.flatnonzero(~np.isnan(column))
    place = bins.argmax(axis=1)[known[np.argsort(column[known], kind="stable")]]
    assert (np.diff(place) >= 0).all()


def test_the_same_data_give_the_same_probe() -> None:
    draws = np.random.default_rng(5)
    values, label = draws.normal(size=(80, 2)), np.arange(80) % 2
    first, second = (probe(values, label, patients(80, 1)) for _ in range(2))
    assert first is not None
    assert second is not None
    assert (first.auc, first.chance) == (second.auc, second.chance)
