"""Errors and agreement of numbers equal their closed forms, with and without each case."""

from functools import partial

import numpy as np
import pytest
from scipy.stats import linregress
from sklearn.metrics import cohen_kappa_score, mean_absolute_error, root_mean_squared_error

from skiagram.statistics.agreement import (
    absolute_error,
    agreement_limit,
    calibration_slope,
    count_far,
    intraclass_correlation,
    mean_difference,
    quadratic_kappa,
    root_mean_square_error,
)

GENERATOR = np.random.default_rng(0)
MEASURED = GENERATOR.normal(170, 20, size=60)
PREDICTED = 20 + 0.9 * MEASURED + GENERATOR.normal(0, 5, size=60)
PATIENT = np.sort(GENERATOR.integers(0, 25, size=60))
PATIENT = np.unique(PATIENT, return_inverse=True)[1].astype(np.int64)


def anova_icc(predicted, measured):
    """Return ICC(A,1) from the mean squares of a two-way analysis of variance."""
    table = np.stack([predicted, measured], axis=1)
    cases, raters = table.shape
    rows, columns = table.mean(axis=1), table.mean(axis=0)
    of_rows = raters * np.square(rows - table.mean()).sum() / (cases - 1)
    of_columns = cases * np.square(columns - table.mean()).sum() / (raters - 1)
    rest = table - rows[:, None] - columns + table.mean()
    error = np.square(rest).sum() / (cases - 1) / (raters - 1)
    denominator = of_rows + (raters - 1) * error + raters * (of_columns - error) / cases
    return float((of_rows - error) / denominator)


def scikit_kappa(predicted, given, _):
    return cohen_kappa_score(predicted, given, weights="quadratic")


def kappa_of_grades(predicted, measured, patient=None, figure=quadratic_kappa):
    """Return a kappa of five grades that the numbers are cut into."""
    grades = (np.digitize(each, [150, 165, 180, 195]) for each in (predicted, measured))
    return figure(*(each.astype(np.float64) for each in grades), patient)


def upper_limit(predicted, measured, patient):
    return agreement_limit(predicted, measured, patient, 1)


@pytest.mark.parametrize(
    ("figure", "reference"),
    [
        (absolute_error, lambda predicted, measured: mean_absolute_error(measured, predicted)),
        (
            root_mean_square_error,
            lambda predicted, measured: root_mean_squared_error(measured, predicted),
        ),
        (mean_difference, lambda predicted, measured: (predicted - measured).mean()),
        (
            upper_limit,
            lambda predicted, measured: (
                (predicted - measured).mean() + 1.96 * (predicted - measured).std(ddof=1)
            ),
        ),
        (calibration_slope, lambda predicted, measured: linregress(predicted, measured).slope),
        (intraclass_correlation, anova_icc),
        (kappa_of_grades, partial(kappa_of_grades, figure=scikit_kappa)),
    ],
)
def test_a_figure_is_that_of_its_closed_form_also_without_each_case(figure, reference):
    found = figure(PREDICTED, MEASURED, PATIENT)
    assert found.value == pytest.approx(reference(PREDICTED, MEASURED), rel=1e-9)
    kept = [np.arange(len(PREDICTED)) != left_out for left_out in range(len(PREDICTED))]
    without = [reference(PREDICTED[rows], MEASURED[rows]) for rows in kept]
    influence = (len(PATIENT) - 1) * (np.mean(without) - np.array(without))
    assert found.influence[0] == pytest.approx(influence, rel=1e-6, abs=1e-9)


def test_a_kappa_of_one_grade_alone_is_not_told():
    assert quadratic_kappa(np.full(60, 2.0), np.full(60, 2.0), PATIENT).estimate().value is None


def test_a_constant_has_no_slope():
    for constant in (170.0, 1e6 / 3):  # such as of another unit
        slope = calibration_slope(np.full(60, constant), MEASURED, PATIENT).estimate()
        assert slope.value is None
        assert "all estimates are equal" in slope.reason
    # The mean of the training cases, which is another one in each fold, is a constant, too.
    fold = PATIENT % 5
    means = np.array([MEASURED[fold != k].mean() for k in range(5)])
    assert calibration_slope(means[fold], MEASURED, PATIENT).value < -2
    assert calibration_slope(means[fold], MEASURED, PATIENT, fold).estimate().value is None


def test_gross_errors_are_counted_and_usual_ones_are_not():
    usual = np.random.default_rng(5).normal(size=100_000)
    assert count_far(usual) == 0
    assert count_far(np.append(usual, [30.0, -30.0])) == 2
    assert count_far(np.array([0.0] * 60 + [5.0] * 40)) == 0
