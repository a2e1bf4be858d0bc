"""Weighted metrics against scikit-learn."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import (
    average_precision_score,
    confusion_matrix,
    roc_auc_score,
)

from skiagram.statistics import discrimination


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_areas_equal_sklearn_with_ties_and_weights(levels, seed):
    rng = np.random.default_rng(seed)
    score = rng.integers(levels, size=30).astype(float)
    positive = np.arange(30) < 11
    weights = rng.integers(1, 4, size=(2, 30)).astype(float)
    pairs = [
        (discrimination.roc_auc, roc_auc_score),
        (discrimination.average_precision, average_precision_score),
    ]
    for own, theirs in pairs:
        expected = [theirs(positive, score, sample_weight=row) for row in weights]
        assert_allclose(own(score, positive, weights), expected, rtol=1e-9)


@pytest.mark.parametrize(
    ("own", "theirs"),
    [
        (discrimination.one_vs_rest_auc, partial(roc_auc_score, multi_class="ovr")),
        (discrimination.macro_average_precision, average_precision_score),
    ],
)
def test_means_over_classes_equal_sklearn(own, theirs):
    label = np.arange(60) % 3
    probability = np.random.default_rng(3).dirichlet(np.ones(3), size=60)
    truth = np.eye(3)[label] if theirs is average_precision_score else label
    found = own(probability, label, np.ones((1, 60)))
    assert_allclose(found, theirs(truth, probability), rtol=1e-9)


def test_a_resample_without_a_class_is_not_a_number():
    score, positive = np.arange(4.0), np.array([True, True, False, False])
    weights = np.array([[1.0, 1, 0, 0], [0, 0, 1, 1], [1, 1, 1, 1]])
    found = discrimination.roc_auc(score, positive, weights)
    assert np.isnan(found).tolist() == [True, True, False]


def test_cases_are_confused_as_sklearn_counts():
    label, named = np.random.default_rng(2).integers(4, size=(2, 60))
    expected = confusion_matrix(label, named)
    assert_array_equal(discrimination.confusion(named, label, 4), expected)
