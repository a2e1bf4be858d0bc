"""Values are those of scipy.stats, which takes long to import."""

import numpy as np
import pytest
from numpy.testing import assert_equal
from scipy import stats

from skiagram.statistics.distributions import (
    chi2_p_value,
    chi2_quantile,
    normal_density,
    t_cdf,
    t_p_value,
    t_quantile,
)

DEGREES = (0, 0.5, 1, 3.7, 40, 1e6, np.inf, np.nan)


@pytest.mark.parametrize("degrees", DEGREES)
def test_students_t_is_that_of_scipy_to_the_last_bit(degrees):
    for level in (0.025, 0.5, 0.8, 0.975, 1 - 1e-9):
        assert_equal(t_quantile(level, degrees), stats.t.ppf(level, degrees))
    for value in (-3.0, 0.0, 0.1, 2.0, 40.0, np.inf, np.nan):
        assert_equal(t_cdf(value, degrees), stats.t.cdf(value, degrees))
        assert_equal(t_p_value(value, degrees), 2 * stats.t.sf(abs(value), degrees))


@pytest.mark.parametrize("degrees", [0, 1, 2, 5.5, 100])
def test_chi_squared_is_that_of_scipy_to_the_last_bit(degrees):
    for value in (0.0, 1.0, 30.0, np.inf, np.nan):
        assert_equal(chi2_p_value(value, degrees), stats.chi2.sf(value, degrees))
    for level in (0.05, 0.2, 0.8):
        assert_equal(chi2_quantile(level, degrees), stats.chi2.ppf(level, degrees))


def test_the_normal_density_is_that_of_scipy():
    for value in (-8.0, -0.3, 0.0, 1.0, 2.5):
        assert normal_density(value) == stats.norm.pdf(value)
