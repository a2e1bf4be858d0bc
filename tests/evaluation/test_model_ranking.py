"""Kendall's W against SciPy's Friedman test; who is first."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import friedmanchisquare

from skiagram.evaluation.comparisons import rank_models
from skiagram.evaluation.figure_table import FigureTable
from skiagram.statistics.significance import kendall_w


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 8), st.integers(3, 7), st.integers(2, 20), st.integers(0, 2**32 - 1))
def test_equals_friedman_with_ties(judges, models, levels, seed):
    values = np.random.default_rng(seed).integers(levels, size=(judges, models)).astype(float)
    w, p = kendall_w(values)
    if np.isnan(w):
        assert (np.ptp(values, axis=1) == 0).all()
        return
    expected = friedmanchisquare(*values.T)
    assert judges * (models - 1) * w == pytest.approx(expected.statistic)
    assert p == pytest.approx(expected.pvalue)
    assert -1e-12 <= w <= 1 + 1e-12


def test_one_order_in_every_fold_is_full_concordance():
    folds = {"a": np.array([0.9, 0.8, 0.7]), "b": np.array([0.8, 0.7, 0.6])}
    resampled = {"a": np.array([0.9, 0.8, np.nan, 0.5]), "b": np.array([0.7, 0.9, 0.9, 0.5])}
    found = FigureTable(rank_models(folds, resampled))
    assert found.find(figure="concordance").value == pytest.approx(1)
    assert [of.value for of in found.by_model("mean_rank").values()] == [1, 2]
    assert [of.value for of in found.by_model("first").values()] == pytest.approx([0.5, 0.5])


def test_what_cannot_be_ranked_says_why():
    resampled = {"a": np.full(3, np.nan), "b": np.full(3, np.nan)}
    one = {"a": np.array([0.9]), "b": np.array([0.8])}
    equal = {"a": np.full(3, 0.5), "b": np.full(3, 0.5)}
    none = {"a": np.array([]), "b": np.array([])}
    other = {"a": np.array([0.9]), "b": np.array([])}
    reasons = [
        FigureTable(rank_models(folds, resampled)).find(figure="concordance").reason
        for folds in (one, equal, none, other)
    ]
    assert reasons == [
        "a single fold",
        "all models are equal in every fold",
        "no fold has every class both in training and held out",
        "the models have no AUC of the same folds",
    ]
    assert not FigureTable(rank_models(one, resampled)).by_model("first")
