"""The smallest detectable difference against the power of the test."""

import numpy as np
import pytest
from scipy.stats import norm

from skiagram.evaluation.comparison.detectable import detectable_difference


def test_a_true_difference_of_that_size_is_found_four_times_in_five() -> None:
    found = detectable_difference(0.0004, 100)
    assert found.value == pytest.approx(0.0560, abs=5e-5)  # 2.8016 standard errors
    draws = np.random.default_rng(0).normal(found.value or 0, 0.02, size=200_000)
    power = np.mean(np.abs(draws) / 0.02 > norm.ppf(0.975))
    assert power == pytest.approx(0.8, abs=0.005)
    assert "100 patients" in found.method


def test_half_as_small_needs_four_times_the_patients() -> None:
    large, small = detectable_difference(0.0004, 100), detectable_difference(0.0001, 400)
    assert large.value == pytest.approx(2 * (small.value or 0))


def test_without_variance_it_says_why() -> None:
    assert detectable_difference(0.0, 10).reason == "the variance of the difference cannot be seen"
