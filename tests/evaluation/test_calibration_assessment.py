"""Reliability curve against scikit-learn, coefficients against R, net benefit against dcurves."""

import numpy as np
import pytest
from scipy.special import logit
from scipy.stats import t
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression

from skiagram.evaluation.calibration_assessment import (
    THRESHOLDS,
    calibration_intercept,
    calibration_slope,
    estimate_decision_curve,
    expected_to_observed,
    reliability_curve,
)
from skiagram.statistics.bootstrap import draw_patients
from skiagram.statistics.variation import effective_patients, variance_of_mean
from tests.statistics.paired import PATIENT, POSITIVE, PROBABILITY


def test_bins_equal_sklearns_quantiles():
    rng = np.random.default_rng(0)
    probability = rng.random(400)
    positive = rng.random(400) < probability
    found = [*reliability_curve(probability[None], positive[None], np.arange(400))]
    observed, predicted = calibration_curve(positive, probability, n_bins=10, strategy="quantile")
    assert [float(group) for _, group, _ in found] == pytest.approx(predicted, rel=1e-3)
    assert [share.value for *_, share in found] == pytest.approx(observed)
    inside = [share.low <= float(group) <= share.high for _, group, share in found]
    assert sum(inside) >= 8


Z = 1.959964


def test_equal_rs_glm_with_its_sandwich():
    # R 4.2.2: glm(y ~ lp), glm(y ~ offset(lp)); HC0 sandwich × 80/79 of the intercept
    slope = calibration_slope(PROBABILITY[None], POSITIVE, PATIENT)
    intercept = calibration_intercept(PROBABILITY[None], POSITIVE, PATIENT)
    assert slope.value == pytest.approx(1.53123316092)
    # HC3 (MacKinnon & White 1985) by the hat matrix of the weighted design, Student's of 31 degrees
    odds = logit(PROBABILITY)
    fit = LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000).fit(odds[:, None], POSITIVE)
    fitted = fit.predict_proba(odds[:, None])[:, 1]
    weighted = np.column_stack([np.ones(80), odds]) * np.sqrt(fitted * (1 - fitted))[:, None]
    orthogonal, triangle = np.linalg.qr(weighted)
    residual = (POSITIVE - fitted) / (1 - (orthogonal**2).sum(axis=1))
    moved = np.linalg.solve(triangle, orthogonal.T)[1] / np.sqrt(fitted * (1 - fitted)) * residual
    error = np.sqrt(80 / 79 * (moved**2).sum())
    assert (slope.high - slope.low) / 2 == pytest.approx(t.ppf(0.975, 31) * error, rel=1e-4)
    assert intercept.value == pytest.approx(0.149169511173)
    assert (intercept.high - intercept.low) / 2 / Z == pytest.approx(0.251615234081)


def test_what_has_no_slope_says_why():
    parted = np.where(POSITIVE, 0.8, 0.3)
    reasons = [
        calibration_slope(np.full((1, 80), 0.4), POSITIVE, PATIENT).reason,
        calibration_slope(parted[None], POSITIVE, PATIENT).reason,
        calibration_slope(PROBABILITY[None], np.ones(80, dtype=bool), PATIENT).reason,
        calibration_intercept(PROBABILITY[None], np.zeros(80, dtype=bool), PATIENT).reason,
        expected_to_observed(PROBABILITY[None], np.zeros(80, dtype=bool), PATIENT).reason,
    ]
    assert reasons == [
        "all probabilities are equal",
        "the probabilities separate the classes completely, so no slope fits best",
        "a class has no case",
        "a class has no case",
        "no positive case was observed",
    ]


def test_equals_dcurves_on_family_history_of_cancer():
    # 750 men, 105 with cancer; family history in 24 of these and in 91 others; net benefit as in
    # the result table that R's dcurves is tested by
    positive = np.arange(750) < 105
    history = np.concatenate([np.arange(105) < 24, np.arange(645) < 91]).astype(float)
    draws = draw_patients(np.arange(750), 105, 200, seed=0)
    found = estimate_decision_curve(history[None], positive, draws)
    at = {round(t, 2): k for k, t in enumerate(found.threshold)}
    published = {0.05: 0.025614035087719297, 0.2: 0.0016666666666666635, 0.25: -0.008444444444}
    for threshold, value in published.items():
        assert found.net_benefit[at[threshold]] == pytest.approx(value)
    for threshold, value in {0.05: 0.09473684210526317, 0.25: -0.14666666666}.items():
        assert found.act_on_all[at[threshold]] == pytest.approx(value)


def test_the_band_reaches_as_far_as_wilsons_where_nobody_is_called():
    """Resamples hold no positive call more than the sample: their band would be a point."""
    positive, patient = np.arange(300) < 9, np.arange(300)
    draws = draw_patients(patient, 9, 200, seed=0)
    found = estimate_decision_curve(np.full((1, 300), 0.03), positive, draws)
    half, none = THRESHOLDS.tolist().index(0.5), 1 - 300 / (300 + Z**2)  # of 0 of 300
    assert found.net_benefit[half] == 0
    assert (found.low[half], found.high[half]) == pytest.approx((-none, none))


def test_few_large_patients_lengthen_intervals_by_their_leverage_and_students_quantile():
    """With equal probabilities both figures are functions of a mean, whose variance is known."""
    patient = np.r_[np.arange(20), np.full(25, 20), np.full(25, 21)]
    positive = np.arange(70) % 3 == 0
    positive[20:45] = np.arange(25) % 4 > 0
    share, probability = positive.mean(), np.full((1, 70), 0.4)
    error = np.sqrt(variance_of_mean(positive.astype(float), patient))
    half = t.ppf(0.975, effective_patients(patient) - 1) * error
    intercept = calibration_intercept(probability, positive, patient)
    assert intercept.value == pytest.approx(logit(share) - logit(0.4))
    reach = half / (share * (1 - share))
    assert intercept.high - intercept.value == pytest.approx(reach)
    ratio = expected_to_observed(probability, positive, patient)
    assert np.log(ratio.high / ratio.value) == pytest.approx(half / share)
