"""Numbers of patients: published examples, closed forms, and studies simulated at the plan."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import multivariate_normal, norm

from skiagram.errors import OptionError
from skiagram.evaluation.planning import (
    binormal_components,
    chance_of_settling,
    exponential_components,
    plan_difference,
    plan_width,
    variation_of_auc,
    variation_of_difference,
)
from skiagram.seeding import stream
from skiagram.statistics.delong import auc_of_scores
from skiagram.statistics.significance import plan_patients

Floats = NDArray[np.float64]


def variation_between(auc, other, correlation):
    return variation_of_difference(auc, other, correlation, 0.4)


def test_the_standard_error_is_that_of_hanley_and_mcneil():
    """Their example: 58 normal, 51 abnormal, area .893, standard error .032 (1982, p. 33)."""
    variance = exponential_components(0.893).variance(51, 58)
    assert math.sqrt(variance) == pytest.approx(0.0325, abs=5e-5)


@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.95])
@pytest.mark.parametrize(("auc", "other"), [(0.6, 0.9), (0.8, 0.8), (0.97, 0.7)])
def test_components_are_bivariate_normal_probabilities(auc, other, correlation):
    found = binormal_components(auc, other, correlation)
    a, b = norm.ppf([auc, other])
    for value, rho in ((found.positive, correlation / 2), (found.both, correlation)):
        both = multivariate_normal.cdf([a, b], cov=[[1, rho], [rho, 1]])
        assert value == pytest.approx(both - auc * other, abs=1e-6)


def test_the_formula_for_counts_agrees_with_planning_after_a_run():
    variation = variation_between(0.85, 0.85, 0.6)
    plan = plan_difference(0.02, 0.0, variation, 0.4)
    planning = plan_patients(variation(1000), 1000, 0.02)
    # the term in 1/n² falls faster than 1/n, and so does the quantile
    assert plan.detect == pytest.approx(planning["patients_to_detect"].value, rel=1e-2)
    assert plan.patients == pytest.approx(planning["patients_to_settle"].value, rel=1e-2)
    assert plan.ratio == pytest.approx(1.34, abs=0.005)


@pytest.mark.parametrize(
    ("true_difference", "aim"),
    [(0.0, "within"), (0.01, "within"), (0.05, "above"), (-0.05, "below")],
)
def test_the_plan_is_the_smallest_number(true_difference, aim):
    variation = variation_between(0.8, 0.8 + true_difference, 0.5)
    plan = plan_difference(0.02, true_difference, variation, 0.4)
    assert plan.aim == aim
    chances = [
        chance_of_settling(variation(n), true_difference, 0.02)
        for n in (plan.patients - 1, plan.patients)
    ]
    assert chances[0] < 0.8 <= chances[1]


@pytest.mark.parametrize("true_difference", [0.02, -0.02])
def test_the_margin_itself_cannot_be_settled(true_difference):
    with pytest.raises(OptionError, match="margin itself"):
        plan_difference(0.02, true_difference, variation_between(0.8, 0.8, 0.5), 0.4)


def test_the_shape_of_scores_that_varies_more_counts_for_a_width():
    variance = variation_of_auc(0.85, 0.3)(350).variance
    kinds = [exponential_components(0.85), binormal_components(0.85, 0.85, 1.0)]
    assert variance == max(kind.variance(105, 245) for kind in kinds)
    plan = plan_width(0.05, 0.85, variation_of_auc(0.85, 0.3), 0.3)
    assert plan.high - plan.low <= 0.1
    assert plan.patients == 350


@pytest.mark.slow
@pytest.mark.parametrize("difference", [0.0, 0.02, 0.12])
def test_simulated_studies_settle_the_margin_in_four_of_five(difference):
    auc, margin, correlation = 0.75, 0.05, 0.6
    plan = plan_difference(
        margin, difference, variation_between(auc, auc + difference, correlation), 0.4
    )
    random = stream(7, "settle", str(difference))
    patient = np.arange(plan.patients)
    positive = patient < round(plan.patients * 0.4)
    shift = math.sqrt(2) * norm.ppf([[auc + difference], [auc]])  # of normal scores of equal spread
    covariance = [[1, correlation], [correlation, 1]]
    settled = 0
    for _ in range(800):
        noise = random.multivariate_normal([0, 0], covariance, plan.patients).T
        scores = shift * positive + noise
        first, second = (auc_of_scores(one[None], positive, patient) for one in scores)
        found = (first - second).estimate()
        within = -margin < found.low and found.high < margin
        settled += found.low > margin if plan.aim == "above" else within
    # 800 studies: standard error .014
    assert settled / 800 == pytest.approx(0.8, abs=0.04)
