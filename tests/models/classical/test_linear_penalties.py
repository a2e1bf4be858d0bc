"""Ridge and elastic net against their definitions."""

import numpy as np

from skiagram.models.contract import FitContext
from tests.models.classical.families import cohort, model

CONTEXT = FitContext(0)


def test_ridge_is_the_penalised_least_squares_solution() -> None:
    cases = cohort(2)
    fitted = model("ridge", penalty=7.0).fit(cases, None, CONTEXT)
    x = fitted.pipeline[:-1].transform(cases.inputs.values.astype(np.float64))
    y = np.eye(2)[cases.label]
    x_centred, y_centred = x - x.mean(axis=0), y - y.mean(axis=0)
    weights = np.linalg.solve(
        x_centred.T @ x_centred + 7 * np.eye(x.shape[1]), x_centred.T @ y_centred
    )
    expected = y.mean(axis=0) + x_centred @ weights
    np.testing.assert_allclose(fitted.scores(cases.inputs), expected, atol=1e-8)


def test_more_of_the_l1_penalty_sets_more_coefficients_to_0() -> None:
    cases = cohort(2)
    zeros = [
        int(
            np.sum(
                model("elastic_net", l1_ratio=ratio, inverse_regularisation=0.05)
                .fit(cases, None, CONTEXT)
                .pipeline[-1]
                .coef_
                == 0
            )
        )
        for ratio in (0.0, 1.0)
    ]
    assert zeros[0] <= 2 < zeros[1]  # the two columns without spread are 0 either way
