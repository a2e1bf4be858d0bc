"""Weighted metrics against scikit-learn."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    brier_score_loss,
    confusion_matrix,
    roc_auc_score,
)

from skiagram.statistics import discrimination

Floats = NDArray[np.float64]


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.integers(1, 8), st.integers(0, 2**32 - 1))
def test_areas_equal_sklearn_with_ties_and_weights(levels: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    score = rng.integers(levels, size=30).astype(float)
    positive = np.arange(30) < 11
    weights = rng.integers(1, 4, size=(2, 30)).astype(float)
    pairs: list[tuple[Callable[..., Floats], Callable[..., float]]] = [
        (discrimination.roc_auc, roc_auc_score),
        (discrimination.average_precision, average_precision_score),
    ]
    for own, theirs in pairs:
        expected = [theirs(positive, score, sample_weight=row) for row in weights]
        np.testing.assert_allclose(own(score, positive, weights), expected, rtol=1e-12)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.floats(0.01, 1), st.integers(0, 2**32 - 1))
def test_partial_area_equals_sklearn_with_ties_and_weights(
    levels: int, most: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    score = rng.integers(levels, size=30).astype(float)
    positive = np.arange(30) < 11
    weights = rng.integers(1, 4, size=(2, 30)).astype(float)
    expected = [roc_auc_score(positive, score, sample_weight=row, max_fpr=most) for row in weights]
    found = discrimination.partial_roc_auc(score, positive, weights, high=most)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_weight_counts_as_copies() -> None:
    rng = np.random.default_rng(0)
    score, positive = rng.normal(size=20), np.arange(20) % 3 == 0
    counts = rng.integers(0, 4, size=20)
    copies = np.repeat(np.arange(20), counts)
    expected = average_precision_score(positive[copies], score[copies])
    found = discrimination.average_precision(score, positive, counts[None].astype(float))
    assert found[0] == pytest.approx(expected)


@pytest.fixture
def several() -> tuple[Floats, NDArray[np.int64], Floats]:
    rng = np.random.default_rng(2)
    label = np.arange(60) % 4
    probability = rng.dirichlet(np.ones(4), size=60) + 0.5 * np.eye(4)[label]
    return probability / probability.sum(axis=1, keepdims=True), label, np.ones((1, 60))


def test_areas_of_several_classes_equal_sklearn(
    several: tuple[Floats, NDArray[np.int64], Floats],
) -> None:
    probability, label, ones = several
    one_vs_rest = roc_auc_score(label, probability, multi_class="ovr")
    one_vs_one = roc_auc_score(label, probability, multi_class="ovo")
    precision = average_precision_score(np.eye(4)[label], probability, average="macro")
    assert discrimination.one_vs_rest_auc(probability, label, ones)[0] == pytest.approx(one_vs_rest)
    assert discrimination.hand_till_auc(probability, label, ones)[0] == pytest.approx(one_vs_one)
    found = discrimination.macro_average_precision(probability, label, ones)[0]
    assert found == pytest.approx(precision)


def test_decisions_and_brier_equal_sklearn(
    several: tuple[Floats, NDArray[np.int64], Floats],
) -> None:
    probability, label, ones = several
    named = probability.argmax(axis=1)
    balanced = discrimination.balanced_accuracy(named, label, ones, 4)[0]
    assert balanced == pytest.approx(balanced_accuracy_score(label, named))
    table = discrimination.confusion(named, label, 4)
    np.testing.assert_array_equal(table, confusion_matrix(label, named))
    assert np.trace(table) / 60 == accuracy_score(label, named)
    expected = brier_score_loss(label, probability, labels=range(4), scale_by_half=False)
    assert discrimination.brier(probability, label, ones, None)[0] == pytest.approx(expected)


def test_a_resample_without_a_class_is_not_a_number() -> None:
    score, positive = np.arange(4.0), np.array([True, True, False, False])
    weights = np.array([[1.0, 1, 0, 0], [0, 0, 1, 1], [1, 1, 1, 1]])
    found = discrimination.roc_auc(score, positive, weights)
    assert np.isnan(found).tolist() == [True, True, False]
    named = positive.astype(np.int64)
    balanced = discrimination.balanced_accuracy(named, named, weights, 2)
    assert np.isnan(balanced).tolist() == [True, True, False]
