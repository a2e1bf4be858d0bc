"""Ordered logistic regression reaches the optimum that other programs reach."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from skiagram.errors import NotConverged
from skiagram.statistics.proportional_odds import (
    fit_proportional_odds,
    grade_probabilities,
    ranked_probability_terms,
)
from tests.statistics.times import CASES, VALUES

NUMBER = np.arange(CASES)
LATENT = VALUES[:, 0] - 0.5 * VALUES[:, 1] + 0.8 * np.cos(5 * NUMBER)
GRADE = np.digitize(LATENT, [-0.8, 0.0, 0.9]).astype(np.int64)
# OrderedModel of statsmodels 0.15.0, logit, no penalty
WEIGHTS = [2.83179742, -1.48774901, -0.32352669]
CUTS = [-2.45972425, 0.03126336, 2.67034622]


def test_without_a_penalty_it_is_that_of_statsmodels():
    found = fit_proportional_odds(VALUES, GRADE, 4, 0.0)
    assert found.weights == pytest.approx(WEIGHTS, abs=3e-7)
    assert found.cuts == pytest.approx(CUTS, abs=3e-7)


def test_of_two_grades_it_is_logistic_regression_with_its_penalty():
    high = (GRADE > 1).astype(np.int64)
    found = fit_proportional_odds(VALUES, high, 2, 0.1)
    other = LogisticRegression(C=1 / (0.1 * CASES), tol=1e-12, max_iter=10_000).fit(VALUES, high)
    assert found.weights == pytest.approx(other.coef_[0], abs=1e-6)
    assert found.cuts == pytest.approx(-other.intercept_, abs=1e-6)


def test_a_grade_without_a_case_has_hardly_a_chance_and_cuts_stay_in_order():
    found = fit_proportional_odds(VALUES, np.where(GRADE == 2, 3, GRADE), 4, 0.01)
    chance = grade_probabilities(VALUES @ found.weights, found.cuts)
    assert chance[:, 2].max() < 1e-4
    assert chance.sum(axis=1) == pytest.approx(1)
    assert (chance >= 0).all()


@pytest.mark.parametrize(("least", "most"), [(1, 3), (0, 2), (1, 2), (2, 2)])
def test_cuts_of_grades_without_a_case_at_the_ends_lie_far_away(least, most):
    seen = np.isin(GRADE, np.arange(least, most + 1))
    found = fit_proportional_odds(VALUES[seen], GRADE[seen], 4, 0.01)
    chance = grade_probabilities(VALUES @ found.weights, found.cuts)
    absent = [grade for grade in range(4) if not least <= grade <= most]
    assert chance[:, absent].max() < 1e-9
    assert (np.diff(found.cuts) > 0).all()
    assert chance.sum(axis=1) == pytest.approx(1)
    if most > least:
        alone = fit_proportional_odds(VALUES[seen], GRADE[seen] - least, most - least + 1, 0.01)
        assert found.weights == pytest.approx(alone.weights)


def test_weights_that_may_only_rise_do_not_fall():
    assert fit_proportional_odds(-VALUES[:, :1], GRADE, 4, 0.01, rising=True).weights == 0


def test_too_few_steps_are_an_error():
    with pytest.raises(NotConverged, match="max_iter"):
        fit_proportional_odds(VALUES, GRADE, 4, 0.01, iterations=2)


def test_the_ranked_probability_score_is_0_for_certainty_and_1_at_the_other_end():
    chance = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.2, 0.5, 0.3]])
    terms = ranked_probability_terms(chance, np.array([2, 2, 1]))
    assert terms == pytest.approx([0, 1, (0.2**2 + 0.3**2) / 2])
