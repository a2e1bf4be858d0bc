"""Net benefit against published output of R's dcurves."""

import numpy as np
import pytest

from skiagram.evaluation.bootstrap import draw_patients
from skiagram.evaluation.calibration.decision_curve import (
    THRESHOLDS,
    case_worth,
    decision_curve,
)
from tests.evaluation.paired import POSITIVE, PROBABILITY


def test_equals_dcurves_on_family_history_of_cancer() -> None:
    # 750 men, 105 with cancer; family history in 24 of these and in 91 others; net benefit as in
    # the result table that R's dcurves is tested by
    positive = np.arange(750) < 105
    history = np.concatenate([np.arange(105) < 24, np.arange(645) < 91]).astype(float)
    draws = draw_patients(np.arange(750), 105, 200, seed=0)
    found = decision_curve(history[None], positive, draws)
    at = {round(t, 2): k for k, t in enumerate(found.threshold)}
    published = {0.05: 0.025614035087719297, 0.2: 0.0016666666666666635, 0.25: -0.008444444444}
    for threshold, value in published.items():
        assert found.net_benefit[at[threshold]] == pytest.approx(value)
    for threshold, value in {0.05: 0.09473684210526317, 0.25: -0.14666666666}.items():
        assert found.act_on_all[at[threshold]] == pytest.approx(value)


def test_equals_the_definition_in_r() -> None:
    # R 4.2.2, by counting at thresholds .1, .25, .5, .75
    found = case_worth(PROBABILITY[None], POSITIVE).mean(axis=0)
    rows = np.searchsorted(THRESHOLDS, [0.1, 0.25, 0.5, 0.75])
    expected = [0.343055555556, 0.320833333333, 0.2625, 0.1]
    np.testing.assert_allclose(found[rows], expected)


def test_the_band_holds_the_curve_and_narrows_with_cases() -> None:
    width = []
    for copies in (1, 4):
        probability, positive = np.tile(PROBABILITY, copies), np.tile(POSITIVE, copies)
        draws = draw_patients(np.arange(80 * copies), 32 * copies, 1000, seed=0)
        found = decision_curve(probability[None], positive, draws)
        low, value, high = (np.array(one) for one in (found.low, found.net_benefit, found.high))
        assert (low <= value + 1e-12).all()
        assert (value <= high + 1e-12).all()
        width.append(np.mean(high - low))
    assert width[1] == pytest.approx(width[0] / 2, rel=0.15)


def test_repeats_are_averaged() -> None:
    pair = (PROBABILITY, 1 - PROBABILITY)
    both = case_worth(np.stack(pair), POSITIVE)
    np.testing.assert_allclose(both, np.mean([case_worth(one[None], POSITIVE) for one in pair], 0))
