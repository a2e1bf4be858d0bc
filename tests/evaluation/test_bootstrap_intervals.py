"""Bootstrap bounds against SciPy's, on the same replicates."""

import numpy as np
import pytest
from scipy.stats import bootstrap

from skiagram.evaluation.bootstrap_intervals import bca_interval, percentile_interval


@pytest.mark.parametrize("size", [12, 60])
def test_bounds_equal_scipy_on_its_own_replicates(size: int) -> None:
    values = np.random.default_rng(size).lognormal(size=size)
    jackknife = np.array([np.var(np.delete(values, k)) for k in range(size)])
    for kind in ("percentile", "BCa"):
        theirs = bootstrap(
            (values,), np.var, n_resamples=999, method=kind, rng=np.random.default_rng(1)
        )
        replicates = theirs.bootstrap_distribution
        own = (
            percentile_interval(replicates)
            if kind == "percentile"
            else bca_interval(float(np.var(values)), replicates, jackknife)
        )
        expected = theirs.confidence_interval
        assert own == pytest.approx((expected.low, expected.high), rel=1e-9)


def test_without_spread_or_with_an_undefined_jackknife_there_is_no_bca() -> None:
    replicates, jackknife = np.linspace(0, 1, 100), np.linspace(0.4, 0.6, 9)
    assert bca_interval(0.5, replicates, jackknife) is not None
    assert bca_interval(2.0, replicates, jackknife) is None
    assert bca_interval(0.5, replicates, np.full(9, 0.5)) is None
    assert bca_interval(0.5, replicates, np.append(jackknife, np.nan)) is None
