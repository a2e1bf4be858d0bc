"""The SVM's scores are the kernel expansion over its support vectors."""

import numpy as np
import pytest

from skiagram.models.contract import FitContext
from tests.models.classical.families import cohort, model


def test_two_classes_score_by_the_kernel_expansion() -> None:
    cases = cohort(2)
    fitted = model("svm", gamma=0.2).fit(cases, FitContext(0))
    estimator, values = fitted.pipeline[-1], fitted.pipeline[:-1].transform(cases.inputs.values)
    distance = ((values[:, np.newaxis] - estimator.support_vectors_) ** 2).sum(axis=2)
    margin = np.exp(-0.2 * distance) @ estimator.dual_coef_[0] + estimator.intercept_
    scores = fitted.scores(cases.inputs)
    np.testing.assert_allclose(scores[:, 1], margin, atol=1e-5)
    np.testing.assert_array_equal(scores[:, 0], -scores[:, 1])


@pytest.mark.parametrize("n_classes", [2, 3])
def test_it_learns_its_support_vectors_their_weights_and_the_intercepts(n_classes: int) -> None:
    fitted = model("svm").fit(cohort(n_classes), FitContext(0))
    vectors = len(fitted.pipeline[-1].support_vectors_)
    pairs = n_classes * (n_classes - 1) // 2
    weights = vectors * (n_classes - 1)
    assert fitted.summary.parameters == vectors * 6 + weights + pairs
    assert fitted.summary.multiply_adds == vectors * 6 + weights
