"""Linear regression is least squares on one-hot labels."""

import numpy as np
import pytest
from scipy.special import expit, log_softmax, softmax

from skiagram.models.contract import FitContext
from tests.models.classical.families import cohort, model


@pytest.mark.parametrize("n_classes", [2, 7])
def test_scores_are_the_least_squares_fit_of_one_hot_labels_unclipped(n_classes: int) -> None:
    cases = cohort(n_classes)
    values = cases.inputs.values.astype(np.float64)
    values = (values - values.mean(axis=0)) / np.where(
        values.std(axis=0) > 0, values.std(axis=0), 1
    )
    design = np.hstack([values, np.ones((len(values), 1))])
    solution = np.linalg.lstsq(design, np.eye(n_classes)[cases.label], rcond=None)[0]
    scores = model("linear_regression").fit(cases, FitContext(0)).scores(cases.inputs)
    np.testing.assert_allclose(scores, design @ solution, atol=1e-9)
    np.testing.assert_allclose(scores.sum(axis=1), 1)
    assert scores.min() < 0


def test_it_learns_a_coefficient_a_feature_and_an_intercept_a_class() -> None:
    summary = model("linear_regression").fit(cohort(7), FitContext(0)).summary
    assert (summary.parameters, summary.multiply_adds) == (7 * (6 + 1), 7 * 6)
    assert summary.images_seen == 84


CONTEXT = FitContext(0)


def test_ridge_is_the_penalised_least_squares_solution() -> None:
    cases = cohort(2)
    fitted = model("ridge", penalty=7.0).fit(cases, CONTEXT)
    x = fitted.pipeline[:-1].transform(cases.inputs.values.astype(np.float64))
    y = np.eye(2)[cases.label]
    x_centred, y_centred = x - x.mean(axis=0), y - y.mean(axis=0)
    weights = np.linalg.solve(
        x_centred.T @ x_centred + 7 * np.eye(x.shape[1]), x_centred.T @ y_centred
    )
    expected = y.mean(axis=0) + x_centred @ weights
    np.testing.assert_allclose(fitted.scores(cases.inputs), expected, atol=1e-8)


@pytest.mark.parametrize("n_classes", [3, 7])
def test_scores_are_log_odds_at_the_optimum(n_classes: int) -> None:
    """The gradient of Σ −log p + ‖w‖² / (2C) vanishes in the intercepts: counts are matched."""
    cases = cohort(n_classes)
    scores = model("logistic_regression").fit(cases, FitContext(0)).scores(cases.inputs)
    expected = softmax(scores, axis=1).sum(axis=0)
    np.testing.assert_allclose(expected, np.bincount(cases.label), rtol=1e-2)
    assert -log_softmax(scores, axis=1)[np.arange(84), cases.label].mean() < np.log(n_classes)


def test_two_classes_score_by_opposite_log_odds() -> None:
    cases = cohort(2)
    scores = model("logistic_regression").fit(cases, FitContext(0)).scores(cases.inputs)
    np.testing.assert_array_equal(scores[:, 0], -scores[:, 1])
    assert expit(scores[:, 1]).sum() == pytest.approx(cases.label.sum(), rel=1e-3)


@pytest.mark.parametrize(("n_classes", "rows"), [(2, 1), (3, 3)])
def test_it_learns_a_coefficient_a_feature_and_an_intercept_a_row(
    n_classes: int, rows: int
) -> None:
    summary = model("logistic_regression").fit(cohort(n_classes), FitContext(0)).summary
    assert (summary.parameters, summary.multiply_adds) == (rows * (6 + 1), rows * 6)
