"""Score intervals of shares, and of what is like a share, by a number of independent cases."""

import numpy as np
import scipy

from skiagram.statistics.variation import Z


def wilson_interval(proportion: float, n: float, quantile: float = Z) -> tuple[float, float]:
    """Compute the 95 % score interval of Wilson (1927).

    Args:
        proportion: In [0, 1].
        n: Independent cases, > 0, which need not be whole.
        quantile: Standard errors to each side.
    """
    z = quantile
    centre = (proportion + z**2 / (2 * n)) / (1 + z**2 / n)
    half_width = z / (1 + z**2 / n) * np.sqrt(proportion * (1 - proportion) / n + z**2 / (4 * n**2))
    low = 0.0 if proportion == 0 else float(centre - half_width)
    high = 1.0 if proportion == 1 else float(centre + half_width)
    return low, high


def join_with_wilson(
    interval: tuple[float, float], value: float, variance: float, max_cases: float, quantile: float
) -> tuple[float, float]:
    """Compute an interval of a share or an AUC, lengthened where its variance is too small.

    A variance v says as much as θ (1 − θ) / v independent cases. Where a sample happens to hold
    next to no error, that is more than its patients can say; then the interval reaches at least as
    far as Wilson's on the most cases that they can stand for. Below that it stays as it is.

    Args:
        interval: As its variance makes it.
        value: θ, in (0, 1).
        variance: v.
        max_cases: Independent cases that the sample may stand for at most.
        quantile: Standard errors to each side.
    """
    if not is_below_binomial_variance(value, variance, max_cases):
        return interval
    low, high = wilson_interval(value, max_cases, quantile)
    return min(interval[0], low), max(interval[1], high)


def is_below_binomial_variance(value: float, variance: float, max_cases: float) -> bool:
    """Tell whether a variance is below that of the most independent cases there may be.

    Args:
        value: θ, in (0, 1).
        variance: v; that of so many independent cases is θ (1 − θ) / max_cases.
        max_cases: Independent cases that the sample may stand for at most.
    """
    return variance * max_cases < value * (1 - value)


def tango_interval(
    gained: float, lost: float, n: float, quantile: float = Z
) -> tuple[float, float]:
    """Compute the 95 % score interval of a difference of paired proportions.

    Tango (1998, *Statistics in Medicine* 17:891, eqs. 18-20). Where the two never differ it is ± z²
    / (n + z²), not a point.

    Args:
        gained: Pairs in which the first alone succeeds, which need not be whole.
        lost: Pairs in which the second alone succeeds.
        n: Independent pairs, > 0.
        quantile: Standard errors to each side.
    """
    share = (gained - lost) / n

    # The statistic of a stated difference, whose variance is that under the difference.
    def excess(difference: float, side: float) -> float:
        half = lost + gained - (2 * n - gained + lost) * difference
        root = np.sqrt(half**2 + 8 * n * lost * difference * (1 - difference))
        variance = (root + half) / (2 * n) + difference * (1 - difference)
        return float(n * (share - difference) + side * quantile * np.sqrt(n * max(0.0, variance)))

    # The bound is the root between the difference seen and the end of the scale.
    def bound(end: float, side: float) -> float:
        near = share + side * 1e-12
        if abs(share - end) < 1e-9 or excess(end, side) * excess(near, side) >= 0:
            return end
        bracket = (min(end, near), max(end, near))
        return float(scipy.optimize.brentq(excess, *bracket, args=(side,), xtol=1e-12))

    return bound(-1.0, -1.0), bound(1.0, 1.0)
