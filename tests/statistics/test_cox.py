"""Cox regression reaches the optimum that other programs reach."""

import numpy as np
import pytest

from skiagram.errors import NotConverged
from skiagram.statistics.cox import (
    baseline_hazard,
    fit_elastic_net,
    fit_ridge,
    martingale_residuals,
)
from tests.statistics import times
from tests.statistics.times import CASES, EVENT, GRID, TIME, UNTIED, VALUES


def test_a_ridge_penalty_gives_the_weights_of_scikit_survival():
    found = fit_ridge(VALUES, TIME, EVENT, 6.0 / CASES)  # its penalty is not per case
    assert found == pytest.approx(times.RIDGE, abs=1e-9)


def test_without_a_penalty_the_weights_are_those_of_lifelines():
    found = fit_ridge(VALUES, UNTIED, EVENT, 0.0)
    assert found == pytest.approx(times.WITHOUT_PENALTY, abs=5e-9)


def test_an_elastic_net_reaches_its_optimum():
    found = fit_elastic_net(VALUES, TIME, EVENT, 0.1, 0.5)
    assert found == pytest.approx(times.ELASTIC_NET, abs=1e-7)
    residuals = martingale_residuals(VALUES @ found, TIME, EVENT)
    gradient = 0.05 * found - VALUES.T @ residuals / CASES
    assert gradient[0] == pytest.approx(-0.05, abs=1e-9)
    assert (np.abs(gradient[1:]) <= 0.05).all()


def test_more_columns_than_cases_change_nothing_but_the_way():
    wide = np.hstack([VALUES, np.zeros((CASES, 100))])
    found = fit_ridge(wide, TIME, EVENT, 0.1)
    assert found[:3] == pytest.approx(fit_ridge(VALUES, TIME, EVENT, 0.1), abs=1e-8)
    assert found[3:] == pytest.approx(0.0, abs=1e-12)


def test_a_column_that_parts_events_in_order_needs_a_penalty():
    order = -TIME[:, None] / TIME.std()
    with pytest.raises(NotConverged, match="penalty"):
        fit_ridge(order, TIME, np.ones(CASES, dtype=np.bool_), 0.0)


def test_events_of_one_time_leave_the_risk_set_one_after_the_other():
    """In each order alike, as Efron's approximation has it: of 2 events half of their risk left."""
    score = np.log([1.0, 2.0, 3.0, 4.0, 5.0])
    time, event = np.array([1.0, 1.0, 1.0, 2.0, 3.0]), np.array([True, True, False, True, False])
    hazard = baseline_hazard(score, time, event, np.array([0.5, 1.0, 2.0, 9.0]))
    first = 1 / 15 + 1 / (15 - 3 / 2)
    assert hazard == pytest.approx([0, first, first + 1 / 9, first + 1 / 9])


def test_equal_risks_have_the_hazard_of_nelson_and_aalen():
    hazard = baseline_hazard(np.zeros(CASES), UNTIED, EVENT, GRID)
    steps = [
        sum(1 / (own <= UNTIED).sum() for own in UNTIED[EVENT] if own <= at) for at in GRID.tolist()
    ]
    assert hazard == pytest.approx(steps)
