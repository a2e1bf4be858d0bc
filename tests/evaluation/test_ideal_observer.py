"""Efficiency and the leak rule on data whose ideal observer is known."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import norm

from skiagram.statistics.delong import (
    Placements,
    detectability,
    difference_estimate,
    estimate_efficiency,
    has_leaked,
    placements,
)

Floats = NDArray[np.float64]
PATIENT = np.repeat(np.arange(100), 2)
POSITIVE = PATIENT % 2 == 0


def of(score: Floats, positive: NDArray[np.bool_] = POSITIVE) -> Placements:
    patient = PATIENT if len(score) == len(PATIENT) else np.arange(len(score))
    return placements(score[None], positive, patient)


def ideal_score(rng: np.random.Generator) -> Floats:
    """Log-likelihood ratios of equal normal classes with d = 2.4, AUC .955."""
    return np.asarray(rng.normal(size=len(PATIENT)) + 2.4 * POSITIVE)


def test_detectability_of_equal_normal_classes_is_their_distance() -> None:
    assert detectability(float(norm.cdf(1.5 / np.sqrt(2)))) == pytest.approx(1.5)


def test_efficiency_of_binormal_scores_is_the_squared_ratio_of_distances() -> None:
    n = 4000
    quantiles = norm.ppf((np.arange(n) + 0.5) / n)
    positive = np.arange(2 * n) >= n
    pair = [of(np.concatenate([quantiles, quantiles + d]), positive) for d in (1.2, 2.4)]
    found = estimate_efficiency(pair[0], pair[1])
    assert found.value == pytest.approx(0.25, abs=0.002)
    assert (found.low or 0) < 0.25 < (found.high or 0)


def test_the_ideal_observer_itself_is_fully_efficient_and_no_leak() -> None:
    ideal = of(ideal_score(np.random.default_rng(0)))
    assert estimate_efficiency(ideal, ideal).value == pytest.approx(1)
    assert not has_leaked(difference_estimate(ideal, ideal))


def test_fit_on_the_test_labels_is_flagged() -> None:
    # model.fit(test_data, test_labels): the scores are the labels and a little noise
    rng = np.random.default_rng(1)
    for noise in (0.0, 0.1, 0.3):
        leak = POSITIVE + noise * rng.normal(size=len(PATIENT))
        assert has_leaked(difference_estimate(of(leak), of(ideal_score(rng))))
