"""Probabilities of a gain agree with the interval, with SciPy and with simulated truth."""

import numpy as np
import pytest
from scipy.stats import norm

from skiagram.statistics.estimate import Estimate
from skiagram.statistics.significance import gain_probabilities
from skiagram.statistics.variation import Variation


def found(value: float, variation: Variation) -> Estimate:
    return Estimate(value, value - variation.half, value + variation.half)


def test_they_are_those_of_the_normal_posterior_and_add_to_one() -> None:
    variation = Variation(0.02**2)
    gain = gain_probabilities(found(0.03, variation), variation, 0.02)
    assert gain is not None
    assert gain.above == pytest.approx(norm.cdf(0.5))
    assert gain.worse == pytest.approx(norm.cdf(-2.5))
    assert gain.above + gain.within + gain.worse == pytest.approx(1)
    assert gain.prior.startswith("flat")


@pytest.mark.parametrize("degrees", [3.0, 20.0, np.inf])
def test_a_bound_at_the_margin_leaves_a_fortieth(degrees: float) -> None:
    variation = Variation(0.01**2, degrees)
    difference = found(0.02 + variation.half, variation)
    gain = gain_probabilities(difference, variation, 0.02)
    assert gain is not None
    assert 1 - gain.above == pytest.approx(0.025)


def test_what_cannot_be_told_is_not_and_equal_scores_are_within() -> None:
    nothing = Variation(0.0)
    assert gain_probabilities(Estimate(None), nothing, 0.02) is None
    assert gain_probabilities(Estimate(0.1, -0.1, 0.3), nothing, 0.02) is None
    equal = gain_probabilities(Estimate(0.0, 0.0, 0.0), nothing, 0.02)
    assert equal is not None
    assert (equal.above, equal.within, equal.worse) == (0, 1, 0)
