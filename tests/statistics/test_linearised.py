"""Figures that vary as means over cases: their intervals, differences and bounds."""

from dataclasses import replace

import numpy as np
import pytest

from skiagram.statistics.agreement import grade_error, quadratic_kappa
from skiagram.statistics.delong import auc_of_scores
from skiagram.statistics.linearised import (
    leave_one_out,
    mean_gain,
    mean_of_cases,
    mean_over_repeats,
    share,
    weighed_difference,
)
from skiagram.statistics.score_intervals import wilson_interval
from skiagram.statistics.survival import harrell_concordance


def test_the_error_of_a_mean_is_that_of_the_means_of_patients():
    value = np.array([1.0, 4.0, 2.0, 7.0, 3.0, 9.0])
    single = mean_of_cases(value, np.arange(6))
    assert single.value == value.mean()
    assert single.variation.standard_error(upwards=True) == pytest.approx(
        value.std(ddof=1) / np.sqrt(6)
    )
    means = value.reshape(3, 2).mean(axis=1)
    found = mean_of_cases(value, np.array([0, 0, 1, 1, 2, 2]))
    assert found.variation.standard_error(upwards=True) == pytest.approx(
        means.std(ddof=1) / np.sqrt(3)
    )
    assert found.degrees == 2
    # Few patients with most cases count as few.
    patient = np.repeat(np.arange(100), np.where(np.arange(100) % 20, 1, 25))
    unequal = mean_of_cases(np.random.default_rng(0).normal(size=len(patient)), patient)
    assert unequal.degrees == pytest.approx(220**2 / (5 * 25**2 + 95) - 1)


def test_an_interval_of_a_share_stays_within_0_and_1():
    every = share(np.ones((1, 10)), np.arange(10)).estimate()
    assert (every.value, every.high) == (1.0, 1.0)
    assert 0.6 < every.low < 0.8  # ten patients; the exact one-sided limit of 97.5 % is .69
    found = share(np.array([[1.0] * 9 + [0.0]]), np.arange(10)).estimate()
    assert 0 < found.low < 0.9 < found.high < 1


def test_an_interval_of_an_error_reaches_further_up_than_down():
    found = mean_of_cases(np.array([0.1, 0.2, 4.0]), np.arange(3), "log").estimate()
    assert found.low > 0
    assert found.high - found.value > found.value - found.low


def test_a_gain_that_few_cases_make_reaches_further_up_than_down():
    each = np.arange(100)
    gain = np.where(each < 5, 0.1 * (each + 1), -0.001)[None]
    figure = mean_gain(gain, each, np.where(each < 5, 1, -1))
    found, of_folds = figure.estimate(), replace(figure, folds=5).estimate()
    assert found.high - found.value > 2 * (found.value - found.low)
    assert of_folds.high - of_folds.value > 1.5 * (found.high - found.value)
    alone = mean_gain(gain, each, np.where(each < 1, 1, -1)).estimate()
    assert (alone.value, alone.low) == (found.value, None)
    assert alone.reason.startswith("fewer than two")


def test_a_weighed_difference_of_rare_shares_reaches_further_up():
    each = np.arange(100)
    caught, harmed = (share((each % step == 1)[None] * 1.0, each) for step in (25, 10))
    found = weighed_difference(caught, harmed, (1.0, 0.1))
    assert found.value == pytest.approx(0.04 - 0.1 * 0.1)
    assert found.high - found.value > 1.5 * (found.value - found.low)
    none = weighed_difference(share(np.zeros((1, 0)), each[:0]), harmed, (1.0, 0.1))
    assert none.value is None


def test_repeats_are_averaged_case_by_case():
    one = leave_one_out(0.6, np.array([0.5, 0.7]), np.arange(2))
    other = leave_one_out(0.8, np.array([0.9, 0.7]), np.arange(2))
    both = mean_over_repeats([one, other])
    assert both.value == pytest.approx(0.7)
    assert both.variance() == pytest.approx(0, abs=1e-30)
    assert both.variation.standard_error(upwards=True) == pytest.approx(
        0.1
    )  # of the two trainings, s² / 2


def test_folds_that_share_training_cases_make_it_an_interval_of_the_procedure():
    value = np.random.default_rng(0).normal(size=(2, 40))
    repeats = [mean_of_cases(of_repeat, np.arange(40)) for of_repeat in value]
    single = np.mean([of_repeat.var(ddof=1) / 40 for of_repeat in value])
    assert mean_over_repeats(repeats, folds=5).variation.standard_error(
        upwards=True
    ) == pytest.approx(np.sqrt((1 / 2 + 5 / 4) * single))


def test_trainings_without_folds_widen_it_by_their_own_spread():
    value = np.random.default_rng(0).normal(size=(3, 40))
    found = mean_over_repeats([mean_of_cases(of_repeat, np.arange(40)) for of_repeat in value])
    over_patients = value.mean(axis=0).var(ddof=1) / 40
    assert found.variance() == pytest.approx(over_patients)
    expected = over_patients + value.mean(axis=1).var(ddof=1) / 3
    assert found.variation.variance == pytest.approx(expected)
    assert found.estimate().method.endswith("over 3 trainings")


def test_few_events_are_the_patients_of_a_concordance():
    """Twelve of 300 patients have the event, all with risks above those of the others."""
    event, one_fit = np.arange(300) < 12, np.zeros(300, dtype=np.int64)
    risk = 2.0 * event + 0.5 * (np.arange(300) % 3 == 0)
    time = np.where(event, 1.0 + np.arange(300) / 300, 10.0)
    found = harrell_concordance(risk - time / 100, time, event, one_fit, np.arange(300))
    assert found.degrees == 11
    estimate = replace(found, values=np.ones(1), influence=np.zeros((1, 300))).estimate()
    assert (estimate.low, estimate.high) == pytest.approx(wilson_interval(1.0, 12))
    assert estimate.low == pytest.approx(0.758, abs=5e-4)
    assert "rarest kind" in estimate.method


def test_grades_that_are_all_right_leave_the_doubt_of_their_number():
    given, patient = np.tile([1.0, 2.0, 3.0], 17)[:50], np.arange(50)
    kappa, error = (figure(given, given, patient) for figure in (quadratic_kappa, grade_error))
    most_wrong = wilson_interval(0.0, 50)[1]
    by_chance = 2 * given.var()
    found = kappa.estimate()
    assert (found.low, found.high) == pytest.approx((1 - most_wrong / by_chance, 1.0))
    assert (error.estimate().low, error.estimate().high) == pytest.approx((0.0, most_wrong))
    gap = (kappa - kappa).estimate()
    assert gap.low == pytest.approx(-gap.high)
    assert gap.high > 0.05


def test_the_same_grade_for_everybody_has_a_kappa_of_0_without_a_doubt():
    given, patient = np.tile([1.0, 2.0, 3.0], 20), np.arange(60)
    constant, told = np.full(60, 2.0), np.where(np.arange(60) < 6, 2.0, given)
    nothing, model = (quadratic_kappa(each, given, patient) for each in (constant, told))
    found = nothing.estimate()
    assert (found.value, found.low, found.high) == pytest.approx((0, 0, 0), abs=1e-12)
    assert (model - nothing).estimate().method == "paired jackknife by patient"


def test_few_patients_with_most_cases_of_both_classes_leave_a_variance():
    """A quarter of the variances was 0 and the mean too small: what ties the classes outweighed."""
    sizes = np.array([40, 25, 12, *[4] * 12, *[1] * 45])
    patient = np.repeat(np.arange(len(sizes)), sizes)
    generator, areas = np.random.default_rng(0), []
    for _ in range(300):
        positive = generator.random(len(patient)) < 0.5
        score = np.repeat(generator.normal(size=len(sizes)), sizes)
        score = score + 0.5 * generator.normal(size=len(patient))
        areas.append(auc_of_scores(score[None], positive, patient))
    variances = [area.variance() for area in areas]
    assert min(variances) > 0
    assert np.mean(variances) == pytest.approx(np.var([area.value for area in areas]), rel=0.4)
