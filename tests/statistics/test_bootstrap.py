"""Bootstrap by patient against closed forms and SciPy."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.stats import bootstrap, norm, t

from skiagram.statistics.bootstrap import (
    LEVELS,
    NO_LIMITS,
    MeanOverRepeats,
    bootstrap_difference,
    bootstrap_estimate,
    draw_patients,
)
from skiagram.statistics.score_intervals import wilson_interval
from skiagram.statistics.variation import effective_patients, over_trainings, variance_of_mean


def mean_of(values):
    """Return the mean of some values as a function of (b, n) weights."""
    return lambda weights: weights @ values / weights.sum(axis=1)


def test_patients_are_drawn_whole():
    values = np.repeat(np.random.default_rng(0).normal(size=50), 4)
    patient = np.repeat(np.arange(50), 4)
    draws = draw_patients(patient, 25, 2000, seed=0)
    for weights in draws.weights():
        by_patient = weights.reshape(len(weights), 50, 4)
        assert np.ptp(by_patient, axis=2).max() == 0
        assert_array_equal(weights.sum(axis=1), 200)
    found = bootstrap_estimate(mean_of(values), draws, limits=NO_LIMITS, kind="percentile")
    half = norm.ppf(0.975) * values.std() / np.sqrt(50)
    assert found.high - found.low == pytest.approx(2 * half, rel=0.08)


def test_equal_seeds_give_equal_bounds_whatever_the_block():
    values = np.random.default_rng(0).random(6000)
    draws = draw_patients(np.arange(6000), 2500, 900, seed=4)
    assert len(list(draws.weights())) > 1
    whole = np.percentile(
        mean_of(values)(draws.counts[:, draws.patient].astype(float)), [2.5, 97.5]
    )
    again = draw_patients(np.arange(6000), 2500, 900, seed=4)
    found = bootstrap_estimate(mean_of(values), again, kind="percentile")
    assert (found.low, found.high) == pytest.approx(tuple(whole))


def test_a_perfect_share_keeps_its_doubt():
    draws = draw_patients(np.arange(20), 8, 200, seed=0)
    found = bootstrap_estimate(lambda weights: np.ones(len(weights)), draws)
    assert found.value == found.high == 1
    assert found.low == pytest.approx(8 / (8 + norm.ppf(0.975) ** 2))


def test_undefined_figures_say_why():
    draws = draw_patients(np.arange(20), 8, 200, seed=0)
    never = bootstrap_estimate(lambda weights: np.full(len(weights), np.nan), draws)
    assert (never.value, never.reason) == (None, "a class has no case")
    seldom = bootstrap_estimate(
        lambda weights: np.where((weights == 1).all(axis=1), 0.5, np.nan), draws
    )
    assert (seldom.value, seldom.low, seldom.high) == (0.5, None, None)
    assert "too few patients" in seldom.method


def test_bca_leaves_out_whole_patients_and_equals_scipy():
    by_patient = np.random.default_rng(3).exponential(size=40)
    draws = draw_patients(np.repeat(np.arange(40), 3), 20, 10_000, seed=1)
    for weights in draws.left_out():
        assert_array_equal(weights.reshape(-1, 40, 3).sum(axis=2), 3 - 3 * np.eye(40))
    values = np.repeat(by_patient, 3)
    found = bootstrap_estimate(mean_of(values), draws, limits=NO_LIMITS, kind="BCa")
    theirs = bootstrap(
        (by_patient,), np.mean, n_resamples=10_000, method="BCa", rng=np.random.default_rng(2)
    ).confidence_interval
    assert found.method == "BCa bootstrap by patient"
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), rel=0.03)


def test_bca_gives_way_where_it_is_not_defined():
    draws = draw_patients(np.arange(20), 1, 500, seed=0)
    lone = np.arange(20) == 0
    value = np.random.default_rng(0).normal(size=20)

    def of_the_lone(weights):
        return np.where(weights @ lone > 0, weights @ value / weights.sum(axis=1), np.nan)

    found = bootstrap_estimate(of_the_lone, draws, limits=NO_LIMITS, kind="BCa")
    assert found.method == "percentile bootstrap by patient"


def test_many_patients_are_left_out_in_groups_of_the_same_acceleration():
    values = np.random.default_rng(0).exponential(size=5000)
    draws = draw_patients(np.arange(5000), 2500, 10, seed=0)
    rows = np.concatenate(list(draws.left_out()))
    assert rows.shape == (1000, 5000)
    assert_array_equal(rows.sum(axis=0), 999)
    whole = (values.sum() - values) / 4999

    def acceleration(jackknife):
        deviation = jackknife.mean() - jackknife
        return float((deviation**3).sum() / (6 * (deviation**2).sum() ** 1.5))

    assert acceleration(mean_of(values)(rows)) == pytest.approx(acceleration(whole), rel=0.15)


def test_trainings_that_differ_lengthen_the_interval_by_their_spread():
    rng = np.random.default_rng(3)
    draws = draw_patients(np.arange(80), 40, 500, seed=0)
    values = np.tile(rng.random(80), (5, 1))
    shifts = np.array([-0.1, -0.05, 0.0, 0.05, 0.1])
    alike, apart = (
        bootstrap_estimate(MeanOverRepeats([mean_of(one) for one in of]), draws, limits=NO_LIMITS)
        for of in (values, values + shifts[:, None])
    )
    own = float(
        np.concatenate([mean_of(values[0])(block) for block in draws.weights()]).var(ddof=1)
    )
    expected = over_trainings(own, np.inf, values[0].mean() + shifts).half_width
    lengths = [one.high - one.low for one in (alike, apart)]
    assert lengths[1] / lengths[0] == pytest.approx(
        expected / (norm.ppf(0.975) * own**0.5), rel=1e-6
    )
    assert alike.method == apart.method == "BCa bootstrap by patient, over 5 trainings"


def test_few_large_patients_lengthen_the_interval():
    rng = np.random.default_rng(4)
    images = np.ones(60, dtype=np.int64)
    images[::20] = 20
    patient = np.repeat(np.arange(60), images)
    values = rng.random(60)[patient]
    draws = draw_patients(patient, 30, 500, seed=0)
    found = bootstrap_estimate(mean_of(values), draws, limits=NO_LIMITS)
    expected = (
        t.ppf(0.975, effective_patients(patient) - 1) * variance_of_mean(values, patient) ** 0.5
    )
    assert found.high - found.low == pytest.approx(2 * expected, rel=0.25)


def test_a_figure_that_jumps_is_as_wide_as_its_resamples_and_students_quantile():
    patient = np.repeat(np.arange(30), 2)
    values = np.random.default_rng(5).normal(size=60)

    def above_the_median(weights):
        order = np.argsort(values)
        half = np.cumsum(weights[:, order], axis=1) >= weights.sum(axis=1, keepdims=True) / 2
        limit = values[order][half.argmax(axis=1)]
        return (weights * (values + patient % 2 >= limit[:, None])).sum(axis=1) / 60

    draws = draw_patients(patient, 15, 500, seed=0, degrees=14)
    found = bootstrap_estimate(above_the_median, draws, kind="percentile")
    resampled = np.concatenate([above_the_median(block) for block in draws.weights()])
    longer = t.ppf(0.975, 14) / norm.ppf(0.975)
    value = float(found.value)
    expected = [value + longer * (bound - value) for bound in np.quantile(resampled, LEVELS)]
    assert (found.low, found.high) == pytest.approx(expected)
    difference = bootstrap_difference(above_the_median, draws)
    half = t.ppf(0.975, 14) * resampled.std(ddof=1)
    assert (difference.low, difference.high) == pytest.approx((value - half, value + half))


def test_a_share_that_hardly_jumps_reaches_as_far_as_its_patients_let_it():
    draws = draw_patients(np.arange(40), 10, 500, seed=0, degrees=9)
    values = np.where(np.arange(40) == 0, 0.6, 1.0)  # mean .99

    mean = mean_of(values)
    short = bootstrap_estimate(mean, draws, kind="percentile")
    found = bootstrap_estimate(mean, draws, kind="percentile", most_cases=3)
    low = wilson_interval(0.99, 30, t.ppf(0.975, 9))[0]
    assert found.low == pytest.approx(low)
    assert short.low > 0.95 > low
    perfect = bootstrap_estimate(
        lambda weights: np.minimum(1.0, mean(weights) + 0.01), draws, kind="percentile"
    )
    assert perfect.low == pytest.approx(10 / (10 + norm.ppf(0.975) ** 2))  # as it is one by luck
