"""Linear regression is least squares on one-hot labels."""

import numpy as np
import pytest

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
    scores = model("linear_regression").fit(cases, None, FitContext(0)).scores(cases.inputs)
    np.testing.assert_allclose(scores, design @ solution, atol=1e-9)
    np.testing.assert_allclose(scores.sum(axis=1), 1)
    assert scores.min() < 0


def test_it_learns_a_coefficient_a_feature_and_an_intercept_a_class() -> None:
    summary = model("linear_regression").fit(cohort(7), None, FitContext(0)).summary
    assert (summary.parameters, summary.multiply_adds) == (7 * (6 + 1), 7 * 6)
    assert summary.images_seen == 84
