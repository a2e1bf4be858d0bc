"""What every kind of outcome promises: its estimates, their calibration, and its figures."""

import numpy as np
import pytest

from skiagram.calibration import average_calibrations
from skiagram.tasks.outcome import weigh_folds
from tests.tasks.cohort import (
    make_cases,
    make_features,
    make_findings,
    make_grades,
    make_numbers,
    measured,
    scored,
)


@pytest.mark.parametrize("make", [make_cases, make_numbers, make_grades, make_findings])
def test_each_outcome_keeps_its_contract(make):
    cases, task = make()
    outcome = task.predicted
    signal = make_features().values[:, :1].astype(np.float64)
    score = np.tile(signal, (1, outcome.scores))
    truth = cases.value, cases.label
    calibration = outcome.calibrate(score, *truth, np.arange(len(score)))
    estimate = calibration.probabilities(score)
    assert estimate.shape == (len(score), len(outcome.estimates))
    assert calibration.columns == len(outcome.estimates)
    assert np.isfinite(estimate).all()
    twice = average_calibrations([calibration, calibration])
    assert twice.probabilities(score) == pytest.approx(estimate)
    # A fold whose scores hardly spread has a slope of thousands, and next to no weight.
    faint = outcome.calibrate(score / 1000, *truth, np.arange(len(score)))
    weights = weigh_folds([score, score, score / 1000])
    mean = average_calibrations([calibration, calibration, faint], weights)
    assert mean.probabilities(score) == pytest.approx(estimate, rel=0.01, abs=0.01)
    # Every figure that is declared is measured, and no other.
    found = measured(outcome, scored(outcome, score.squeeze(), *truth))
    assert {name for name, _ in found} == {figure.name for figure in outcome.figures}
    assert found[outcome.primary, ""].value is not None


def test_folds_that_a_model_of_no_feature_scores_weigh_alike():
    constant = [
        np.full((9, 1), 0.1 + 0.2),
        np.full((9, 1), 0.3),
        np.linspace(0.3, 0.3 + 1e-16, 9)[:, None],
    ]
    assert weigh_folds(constant).tolist() == [1, 1, 1]


@pytest.mark.parametrize("make", [make_cases, make_numbers, make_grades, make_findings])
def test_fifths_of_what_was_expected_hold_cases_and_differ(make):
    """Of three cases a fifth would be empty; of one estimate the order of cases would make it."""
    cases, task = make()
    outcome = task.predicted
    signal = make_features().values[:, :1].astype(np.float64)
    telling, silent = (
        scored(outcome, np.tile(score, (1, outcome.scores)).squeeze(), cases.value, cases.label)
        for score in (signal, 0 * signal)
    )
    for known, points in ((telling.select(np.arange(len(signal)) < 3), 3), (silent, 1)):
        lines = [line for plot in outcome.plot(known) if plot.diagonal for line in plot.lines]
        assert lines
        assert all(len(line.x) <= points for line in lines)
        assert all(np.isfinite([line.x, line.y]).all() for line in lines)
