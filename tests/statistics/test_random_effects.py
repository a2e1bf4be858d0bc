"""Summaries over sites against published figures."""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import chi2, t

from skiagram.statistics.random_effects import between_sites, summarise_random_effects
from tests.yaml_rows import load_yaml

# Thirteen trials of BCG vaccine (Colditz et al. 1994, JAMA 271:698): cases and others among
# vaccinated and not. Log relative risks of it are the worked example of the R package metafor
# (Viechtbauer 2010, *Journal of Statistical Software* 36:3).
TRIALS = load_yaml(Path(__file__).with_suffix(".yaml"))
BCG = np.array(TRIALS["bcg"], dtype=np.float64)


def log_relative_risks():
    ill, well, control_ill, control_well = BCG.T
    treated, control = ill + well, control_ill + control_well
    value = np.log(ill / treated) - np.log(control_ill / control)
    return value, 1 / ill - 1 / treated + 1 / control_ill - 1 / control


def weighted(value, variance):
    """Return the mean by inverse variances, the sum of weighted squares and that of weights."""
    weight = 1 / variance
    mean = (weight * value).sum() / weight.sum()
    return mean, (weight * (value - mean) ** 2).sum(), weight.sum()


def test_the_variance_between_trials_of_bcg_is_the_published_one():
    value, variance = log_relative_risks()
    _, squares, weights = weighted(value, variance)
    by_moments = (squares - 12) / (weights - (1 / variance**2).sum() / weights)
    assert by_moments == pytest.approx(0.3088, abs=5e-5)  # the data are those of the example
    assert between_sites(value, variance, len(value) - 1) == pytest.approx(0.3181, abs=5e-5)


def test_the_summary_of_bcg_is_hartungs_and_knapps():
    value, variance = log_relative_risks()
    found = summarise_random_effects(value, variance)
    mean, squares, weights = weighted(value, variance + found.between**2)
    assert found.mean == pytest.approx(mean)
    error = np.sqrt(squares / (12 * weights))
    assert found.high - found.mean == pytest.approx(t.ppf(0.975, 12) * error)
    assert found.mean == pytest.approx(-0.715, abs=2e-3)


def test_where_the_next_site_lies_allows_for_a_spread_that_is_not_well_known():
    """Viechtbauer 2007: the bounds of τ² are where the squares are quantiles of χ²."""
    value, variance = log_relative_risks()
    found = summarise_random_effects(value, variance)
    cautious = between_sites(value, variance, float(chi2.ppf(0.25, 12)))
    mean, squares, weights = weighted(value, variance + cautious)
    assert squares == pytest.approx(chi2.ppf(0.25, 12))
    reach = t.ppf(0.975, 11) * np.sqrt(cautious + 1 / weights)
    assert (found.next_low, found.next_high) == pytest.approx((mean - reach, mean + reach))
    assert cautious > found.between**2
    # The example's published 95 % interval of τ² is .1197 to 1.1115.
    bounds = [between_sites(value, variance, float(chi2.ppf(at, 12))) for at in (0.975, 0.025)]
    assert bounds == pytest.approx([0.1197, 1.1115], abs=1e-4)


def test_sites_that_agree_are_summarised_like_one_study_of_all_with_students_quantile():
    variance = np.array([0.1, 0.2, 0.4])
    found = summarise_random_effects(np.array([1.0, 1.01, 0.99]), variance)
    assert found.between == 0
    error = np.sqrt(1 / (1 / variance).sum())
    assert found.high - found.mean == pytest.approx(t.ppf(0.975, 2) * error)


def test_two_sites_say_nothing_of_the_next():
    found = summarise_random_effects(np.array([0.5, 1.5]), np.array([0.1, 0.1]))
    assert (found.next_low, found.next_high) == (None, None)
    with pytest.raises(ValueError, match="two or more"):
        summarise_random_effects(np.array([1.0]), np.array([0.1]))
