"""Calibration intercept, slope and expected-to-observed ratio against R."""

import numpy as np
import pytest
from scipy.special import expit

from skiagram.evaluation.calibration.recalibration import (
    calibration_intercept,
    calibration_slope,
    expected_to_observed,
)
from tests.evaluation.paired import PATIENT, POSITIVE, PROBABILITY

Z = 1.959964


def test_equal_rs_glm_with_its_sandwich() -> None:
    # R 4.2.2: glm(y ~ lp), glm(y ~ offset(lp)); HC0 sandwich × 80/79
    slope = calibration_slope(PROBABILITY[None], POSITIVE, PATIENT)
    intercept = calibration_intercept(PROBABILITY[None], POSITIVE, PATIENT)
    assert slope.value == pytest.approx(1.53123316092)
    assert ((slope.high or 0) - (slope.low or 0)) / 2 / Z == pytest.approx(0.385678427265)
    assert intercept.value == pytest.approx(0.149169511173)
    assert ((intercept.high or 0) - (intercept.low or 0)) / 2 / Z == pytest.approx(0.251615234081)


def test_expected_over_observed() -> None:
    found = expected_to_observed(PROBABILITY[None], POSITIVE, PATIENT)
    assert found.value == pytest.approx(0.94421875)
    assert (found.low or 9) < 1 < (found.high or 0)


@pytest.mark.parametrize("copies", [1, 3])
def test_intervals_cover_the_truth_by_patient(copies: int) -> None:
    rng = np.random.default_rng(2)
    patient = np.repeat(np.arange(200), copies)
    inside = np.zeros(3)
    for _ in range(200):
        odds = rng.normal(size=200)
        positive = (rng.random(200) < expit(0.3 + 0.7 * odds))[patient]
        stretched, exact, shifted = (
            expit(one)[patient][None] for one in (odds, 0.3 + 0.7 * odds, 0.7 * odds)
        )
        found = (
            (calibration_slope(stretched, positive, patient), 0.7),
            (expected_to_observed(exact, positive, patient), 1.0),
            (calibration_intercept(shifted, positive, patient), 0.3),
        )
        inside += [(one.low or -9) <= true <= (one.high or 9) for one, true in found]
    assert inside / 200 == pytest.approx([0.95] * 3, abs=0.045)


def test_repeats_are_averaged() -> None:
    other = np.clip(PROBABILITY**2, 0.001, 0.999)
    both = calibration_slope(np.stack([PROBABILITY, other]), POSITIVE, PATIENT).value
    single = [calibration_slope(one[None], POSITIVE, PATIENT).value for one in (PROBABILITY, other)]
    assert both == pytest.approx(np.mean([one or 0 for one in single]))


def test_certain_probabilities_stay_finite() -> None:
    certain = np.where(PROBABILITY > 0.5, 1.0, 0.0)
    found = calibration_slope(certain[None], POSITIVE, PATIENT)
    assert found.value is not None
    assert 0 < found.value < 0.2


def test_what_has_no_slope_says_why() -> None:
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
        "probabilities part the classes, so no slope is best",
        "a class has no case",
        "a class has no case",
        "no positive case was observed",
    ]


def test_a_single_patient_has_no_interval() -> None:
    found = calibration_intercept(PROBABILITY[None], POSITIVE, np.zeros(80, dtype=np.int64))
    assert found.low is None
    assert found.method == "no interval: a single patient"
