"""Figures of several sites, each a sample of others, in one mean."""

from dataclasses import dataclass, replace

import numpy as np
import scipy

from skiagram.arrays import Floats
from skiagram.statistics.distributions import chi2_quantile, t_quantile
from skiagram.statistics.variation import UPPER

CAUTION = 0.75  # confidence that the spread for the next site is no less than the true one


@dataclass(frozen=True)
class RandomEffects:
    """A mean over sites on the scale of the figures.

    Attributes:
        next_low: Lower bound of where the true figure of another such site lies, with 95 %; None
            with two sites.
    """

    mean: float
    low: float
    high: float
    between: float
    next_low: float | None = None
    next_high: float | None = None


def summarise_random_effects(value: Floats, variance: Floats) -> RandomEffects:
    """Summarise independent figures, a site each, that vary between sites.

    The variance between sites is that of Paule and Mandel (1982), at which the weighted squares
    about the mean equal their degrees of freedom. The interval is Hartung and Knapp's (2001) with
    Student's quantile. Its factor is 1 where sites differ, by that very equation; where they differ
    less than chance alone would make them it is held at 1, as it would shorten the interval
    (Röver, Knapp & Friede 2015, *BMC Medical Research Methodology* 15:99). The prediction interval
    is that of Higgins, Thompson and Spiegelhalter (2009, *Journal of the Royal Statistical Society
    A* 172:137), with two degrees of freedom less than sites. As the variance between few small
    sites is often estimated as 0, it takes the upper bound of its 50 % confidence interval instead
    (Q profile; Viechtbauer 2007, *Statistics in Medicine* 26:37). With the estimate itself it held
    the next site in as few as 86 % of simulations.

    Args:
        value: (k,) a figure a site, k ≥ 2.
        variance: (k,) its variance within the site, > 0.
    """
    sites = len(value)
    if sites < 2 or not (variance > 0).all():
        raise ValueError("a summary over sites needs two or more, each with a variance above 0")
    # Paule and Mandel's variance between sites, at which the weighted squares are as expected.
    between = between_sites(value, variance, sites - 1)
    weight = 1 / (variance + between)
    mean = float((weight * value).sum() / weight.sum())
    error = float(1 / weight.sum())
    half_width = float(t_quantile(UPPER, sites - 1)) * np.sqrt(error)
    effects = RandomEffects(
        mean, float(mean - half_width), float(mean + half_width), float(np.sqrt(between))
    )
    # The interval for the next site has two degrees of freedom less than there are sites.
    if sites < 3:
        return effects
    # The next site's interval takes a spread that is probably not too small.
    cautious = between_sites(value, variance, chi2_quantile(1 - CAUTION, sites - 1))
    mean = float((value / (variance + cautious)).sum() / (1 / (variance + cautious)).sum())
    spread = cautious + 1 / float((1 / (variance + cautious)).sum())
    reach = float(t_quantile(UPPER, sites - 2) * np.sqrt(spread))
    return replace(effects, next_low=mean - reach, next_high=mean + reach)


def between_sites(value: Floats, variance: Floats, squares: float) -> float:
    """Find the variance between sites at which the weighted squares have a given sum; else 0.

    Args:
        value: (k,) a figure a site.
        variance: (k,) its variance within the site, > 0.
        squares: The sum, > 0.
    """

    # Falls as the variance between sites grows, so that there is one root at most.
    def excess(between: float) -> float:
        weight = 1 / (variance + between)
        mean = (weight * value).sum() / weight.sum()
        return float((weight * (value - mean) ** 2).sum()) - squares

    if excess(0.0) <= 0:
        return 0.0
    # Weighted squares about their mean are at most k (range / 2)² over the variance.
    most = len(value) * float(np.ptp(value)) ** 2 / (4 * squares) + 1e-12
    return float(scipy.optimize.brentq(excess, 0.0, most, xtol=1e-15, rtol=1e-12))
