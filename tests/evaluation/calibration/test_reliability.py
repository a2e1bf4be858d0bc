"""Reliability curve and Brier parts against scikit-learn and Murphy's formula."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from skiagram.evaluation.calibration.reliability import brier_parts, reliability_curve


def test_bins_equal_sklearns_quantiles() -> None:
    rng = np.random.default_rng(0)
    probability = rng.random(400)
    positive = rng.random(400) < probability
    found = reliability_curve(probability[None], positive[None], np.arange(400))
    observed, predicted = calibration_curve(positive, probability, n_bins=10, strategy="quantile")
    assert [one.predicted for one in found] == pytest.approx(predicted)
    assert [one.observed.value for one in found] == pytest.approx(observed)
    assert [one.cases for one in found] == [40] * 10
    inside = [(one.observed.low or 1) <= one.predicted <= (one.observed.high or 0) for one in found]
    assert sum(inside) >= 8


def test_few_cases_make_few_bins_and_ties_share_one() -> None:
    rng = np.random.default_rng(1)
    few = reliability_curve(rng.random((1, 45)), rng.random((1, 45)) < 0.5, np.arange(45))
    assert len(few) == 2
    tied = reliability_curve(np.full((1, 300), 0.3), np.zeros((1, 300), bool), np.arange(300))
    assert [one.cases for one in tied] == [300]
    assert tied[0].predicted == pytest.approx(0.3)


def test_repeats_narrow_no_bin() -> None:
    rng = np.random.default_rng(2)
    probability, true = rng.random((1, 200)), rng.random((1, 200)) < 0.5
    once = reliability_curve(probability, true, np.arange(200))
    often = reliability_curve(
        np.repeat(probability, 4, axis=0), np.repeat(true, 4, axis=0), np.arange(200)
    )
    for one, other in zip(once, often, strict=True):
        assert one.cases == other.cases
        assert one.observed.low == pytest.approx(other.observed.low, abs=0.01)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_parts_add_up_to_the_score(seed: int) -> None:
    rng = np.random.default_rng(seed)
    probability, positive = rng.random(50), rng.random(50) < 0.4
    parts = brier_parts(probability[None], positive)
    whole = parts.reliability - parts.resolution + parts.uncertainty
    expected = float(np.mean((probability - positive) ** 2))
    assert whole == pytest.approx(expected)
    if 0 < positive.sum() < 50:
        assert expected == pytest.approx(brier_score_loss(positive, probability))


def test_equals_murphy_where_rates_rise_with_the_forecast() -> None:
    forecast = np.repeat([0.1, 0.4, 0.7], 20)
    positive = np.concatenate([np.arange(20) < k for k in (1, 9, 17)])
    rate, base = np.repeat([0.05, 0.45, 0.85], 20), positive.mean()
    parts = brier_parts(forecast[None], positive)
    assert parts.reliability == pytest.approx(np.mean((forecast - rate) ** 2))
    assert parts.resolution == pytest.approx(np.mean((rate - base) ** 2))
    assert parts.uncertainty == pytest.approx(base * (1 - base))
