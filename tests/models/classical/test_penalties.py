"""One scale of the penalty: C means the same for every loss, whatever the number of cases."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from skiagram.models.classical.penalised_estimators import OrderedLogistic
from tests.models.classical.families import model

C = 0.05
VALUES = np.random.default_rng(0).normal(size=(60, 5))
SIGNAL = VALUES @ [1.0, -0.5, 0.3, 0.0, 0.0] + np.random.default_rng(1).normal(size=60)
TARGETS = {
    "classification": (SIGNAL > 0).astype(np.int64),
    "least_squares": SIGNAL,
    "ordered_logistic": np.digitize(SIGNAL, [-0.7, 0.7]).astype(np.float64),
    "cox": np.stack([np.exp(-SIGNAL), np.arange(60) % 3 > 0], axis=1),
}


def fit(name, loss, copies, **options):
    """Return the coefficients of a fit to so many copies of the cases."""
    estimator = model(name, tol=1e-8, **options).estimator(0, loss)
    target = TARGETS[loss]
    repeated = np.concatenate([target] * copies)
    return np.ravel(estimator.fit(np.tile(VALUES, (copies, 1)), repeated).coef_)


@pytest.mark.parametrize("name", ["logistic_regression", "elastic_net"])
@pytest.mark.parametrize("loss", TARGETS)
def test_each_case_twice_is_as_half_the_penalty(name, loss):
    """The sum of the losses is penalised, and not their mean."""
    once = fit(name, loss, 1, C=C)
    assert fit(name, loss, 2, C=C / 2) == pytest.approx(once, abs=1e-4)
    assert fit(name, loss, 2, C=C) != pytest.approx(once, abs=1e-2)


@pytest.mark.parametrize("loss", ["classification", "least_squares", "cox"])
def test_an_elastic_net_with_hardly_any_l1_is_the_regression(loss):
    mixed = fit("elastic_net", loss, 1, C=C, l1_ratio=1e-6)
    alone = fit("logistic_regression", loss, 1, C=C)
    assert mixed == pytest.approx(alone, abs=1e-3)


def test_each_loss_may_have_a_strength_of_its_own():
    by_loss = {"classification": 0.1, "least_squares": C, "ordered_logistic": 0.3, "cox": 0.4}
    own = fit("logistic_regression", "least_squares", 1, C=by_loss)
    one = fit("logistic_regression", "least_squares", 1, C=C)
    assert own.tolist() == one.tolist()


def test_of_two_grades_it_is_scikit_learns_logistic_regression():
    label = TARGETS["classification"]
    ordered = OrderedLogistic(C, 1000).fit(VALUES, label.astype(np.float64))
    reference = LogisticRegression(C=C, tol=1e-10, max_iter=1000).fit(VALUES, label)
    assert ordered.coef_ == pytest.approx(reference.coef_[0], abs=1e-5)
    assert -ordered.cuts_ == pytest.approx(reference.intercept_, abs=1e-5)


def test_of_a_number_half_the_square_is_the_loss():
    """Coefficients solve (X'X + I / C) w = X'y of centred values."""
    centred, target = VALUES - VALUES.mean(axis=0), SIGNAL - SIGNAL.mean()
    wanted = np.linalg.solve(centred.T @ centred + np.eye(5) / C, centred.T @ target)
    assert fit("logistic_regression", "least_squares", 1, C=C) == (pytest.approx(wanted, abs=1e-10))
