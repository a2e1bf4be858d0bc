"""Predictive values at a stated prevalence against Mercaldo's formulas and resampling."""

import numpy as np
import pytest
from numpy.typing import NDArray

from skiagram.evaluation.decisions.predictive_values import at_prevalence

PPV, NPV = "positive_predictive_value_at_prevalence", "negative_predictive_value_at_prevalence"


def cases(
    hits: int, misses: int, rejections: int, alarms: int
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    right = np.repeat([1.0, 0.0, 1.0, 0.0], [hits, misses, rejections, alarms])
    return right, np.arange(len(right)) < hits + misses


def test_equals_mercaldo_on_the_papers_counts() -> None:
    # ApoE ε4 and Alzheimer's disease: 240 of 418 patients and 87 of 375 controls carry it,
    # prevalence 3 %; bounds by the paper's eqs. 8 to 11 in R 4.2.2
    right, positive = cases(240, 178, 288, 87)
    found = at_prevalence(right, positive, np.arange(793), 0.03)
    expected = {
        PPV: (0.07109937006, 0.05887097288, 0.08563666566),
        NPV: (0.9831403887, 0.9809487910, 0.9850837047),
    }
    for name, figures in expected.items():
        one = found[name]
        assert (one.value, one.low, one.high) == pytest.approx(figures, rel=1e-8)


def test_at_the_observed_share_it_is_the_observed_predictive_value() -> None:
    right, positive = cases(40, 10, 120, 30)
    found = at_prevalence(right, positive, np.arange(200), 0.25)
    assert found[PPV].value == pytest.approx(40 / 70)
    assert found[NPV].value == pytest.approx(120 / 130)


def test_clusters_widen_as_resampled_patients_do() -> None:
    rng = np.random.default_rng(0)
    patient = np.repeat(np.arange(150), 4)
    positive = patient < 60
    ease = rng.normal(size=150)[patient]
    right = (1.0 + ease + 0.3 * rng.normal(size=600) > 0).astype(float)
    found = at_prevalence(right, positive, patient, 0.1)[PPV]
    values = []
    for _ in range(1000):
        drawn = np.bincount(rng.integers(150, size=150), minlength=150)[patient].astype(float)
        hit = np.average(right[positive], weights=drawn[positive])
        miss = 1 - np.average(right[~positive], weights=drawn[~positive])
        values.append(hit * 0.1 / (hit * 0.1 + miss * 0.9))
    low, high = np.quantile(values, [0.025, 0.975])
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.015)


def test_extremes_keep_their_doubt_and_absent_classes_say_why() -> None:
    right, positive = cases(20, 0, 30, 10)
    found = at_prevalence(right, positive, np.arange(60), 0.1)[NPV]
    assert found.value == 1
    assert 0.9 < (found.low or 0) < 1
    alone = at_prevalence(right[:20], positive[:20], np.arange(20), 0.1)
    assert alone[PPV].reason == alone[NPV].reason == "a class has no case"
