"""Power laws against known curves and SciPy's least squares; crossings of known curves."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import curve_fit

from skiagram.sweeps.learning_curves import PowerLaw, crossing, fit_power_law

CASES = np.array([50.0, 100, 200, 500, 1000, 4000])
EVEN = np.ones(len(CASES))


def law(limit, scale, rate):
    return PowerLaw(np.array([limit]), np.array([scale]), np.array([rate]))


@pytest.mark.parametrize(("limit", "scale", "rate"), [(0.9, 1.2, 0.5), (0.95, 0.8, 0.3)])
def test_a_power_law_is_found_again(limit, scale, rate):
    truth = law(limit, scale, rate)
    found = fit_power_law(CASES, truth.at(CASES), EVEN)
    np.testing.assert_allclose(found.at(CASES), truth.at(CASES), atol=1e-3)
    assert abs(found.limit[0] - limit) < 0.01


def test_the_fit_is_as_near_as_that_of_scipy():
    noise = np.random.default_rng(0).normal(0, 0.01, len(CASES))
    auc = law(0.9, 1.0, 0.45).at(CASES) + noise
    weight = np.array([1.0, 2, 3, 4, 5, 6])

    def curve(n, limit, scale, rate):
        return limit - scale * n**-rate

    best, _ = curve_fit(
        curve, CASES, auc[0], p0=(0.9, 1, 0.5), sigma=1 / np.sqrt(weight), bounds=(0, (1, 99, 3))
    )
    theirs = weight @ (curve(CASES, *best) - auc[0]) ** 2
    ours = weight @ (fit_power_law(CASES, auc, weight).at(CASES)[0] - auc[0]) ** 2
    assert ours <= theirs * 1.02


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(0.3, 1), min_size=6, max_size=6))
def test_a_fitted_curve_never_falls_and_never_exceeds_1(auc):
    fitted = fit_power_law(CASES, np.array([auc]), EVEN).at(np.geomspace(50, 8000, 50))[0]
    assert (np.diff(fitted) >= -1e-12).all()
    assert fitted.max() <= 1 + 1e-12


LEVEL, LOW, HIGH = law(0.85, 0.0, 1.0), law(0.7, 0.5, 0.5), law(0.9, 0.5, 0.5)


@pytest.mark.parametrize(
    ("curve", "other", "cases"),
    [
        (law(0.95, 2.0, 0.5), LEVEL, 400),  # 2 / √n = .1 at n = 400
        (LOW, HIGH, np.inf),  # not within reach
        (HIGH, LOW, 50),  # ahead from the start
        (law(0.8, 0.0, 1.0), law(0.9, 5.0, 0.7), np.inf),  # a lead that is lost again
    ],
)
def test_curves_cross_where_algebra_says(curve, other, cases):
    assert crossing(curve, other, 50, 8000)[0] == pytest.approx(cases, rel=0.02)
