"""Logistic regression minimises the penalised cross-entropy."""

import numpy as np
import pytest
from scipy.special import expit, log_softmax, softmax

from skiagram.models.contract import FitContext
from tests.models.classical.families import cohort, model


@pytest.mark.parametrize("n_classes", [3, 7])
def test_scores_are_log_odds_at_the_optimum(n_classes: int) -> None:
    """The gradient of Σ −log p + ‖w‖² / (2C) vanishes in the intercepts: counts are matched."""
    cases = cohort(n_classes)
    scores = model("logistic_regression").fit(cases, None, FitContext(0)).scores(cases.inputs)
    expected = softmax(scores, axis=1).sum(axis=0)
    np.testing.assert_allclose(expected, np.bincount(cases.label), rtol=1e-2)
    assert -log_softmax(scores, axis=1)[np.arange(84), cases.label].mean() < np.log(n_classes)


def test_two_classes_score_by_opposite_log_odds() -> None:
    cases = cohort(2)
    scores = model("logistic_regression").fit(cases, None, FitContext(0)).scores(cases.inputs)
    np.testing.assert_array_equal(scores[:, 0], -scores[:, 1])
    assert expit(scores[:, 1]).sum() == pytest.approx(cases.label.sum(), rel=1e-3)


def test_a_stronger_penalty_shrinks_the_scores() -> None:
    cases = cohort(2)
    weak, strong = (
        model("logistic_regression", inverse_regularisation=c).fit(cases, None, FitContext(0))
        for c in (10.0, 0.001)
    )
    assert weak.scores(cases.inputs).std() > 3 * strong.scores(cases.inputs).std()


@pytest.mark.parametrize(("n_classes", "rows"), [(2, 1), (3, 3)])
def test_it_learns_a_coefficient_a_feature_and_an_intercept_a_row(
    n_classes: int, rows: int
) -> None:
    summary = model("logistic_regression").fit(cohort(n_classes), None, FitContext(0)).summary
    assert (summary.parameters, summary.multiply_adds) == (rows * (6 + 1), rows * 6)
