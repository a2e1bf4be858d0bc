"""Bounds from bootstrap replicates: percentile, and bias-corrected and accelerated (BCa)."""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

Floats = NDArray[np.float64]
LEVELS = (0.025, 0.975)


def percentile_interval(replicates: Floats) -> tuple[float, float]:
    """Return the 95 % interval between percentiles of the replicates (Efron 1979)."""
    low, high = np.quantile(replicates, LEVELS)
    return float(low), float(high)


def bca_interval(value: float, replicates: Floats, jackknife: Floats) -> tuple[float, float] | None:
    """Return the 95 % BCa interval, or None where it is not defined.

    Second-order accurate: it mends the median bias and the skewness of the replicates (Efron 1987,
    *Better bootstrap confidence intervals*, eqs. 2.3 and 6.6).

    Args:
        value: The figure on the cases as they are.
        replicates: (b,) the figure on the resamples, finite.
        jackknife: (j,) the figure without each patient, or group of patients, in turn; NaN where
            undefined.
    """
    below = float(np.mean(replicates < value) + np.mean(replicates <= value)) / 2
    deviation = jackknife.mean() - jackknife
    spread = float((deviation**2).sum())
    if not 0 < below < 1 or not spread > 0:
        return None
    bias = float(norm.ppf(below))
    acceleration = float((deviation**3).sum()) / (6 * spread**1.5)
    shifted = bias + norm.ppf(LEVELS)
    levels = norm.cdf(bias + shifted / (1 - acceleration * shifted))
    low, high = np.quantile(replicates, levels)
    return float(low), float(high)
