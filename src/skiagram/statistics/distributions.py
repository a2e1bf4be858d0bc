"""Student's t and chi-squared distributions, as tests and intervals need them.

The values are those of `scipy.stats`, to the last bit, and to 1e-12 of the sign test. They come
from `scipy.special`, since `scipy.stats` takes half a second to import. SciPy itself imports its
parts when they are used, which is why modules name them in full: `scipy.special.ndtr`.
"""

from typing import Any

import numpy as np
import scipy
from numpy.typing import ArrayLike


def t_quantile(level: float, degrees: ArrayLike) -> Any:
    """Compute the quantile of Student's t.

    Args:
        level: In (0, 1).
        degrees: Of freedom, > 0, may be infinite; one number or many.

    Returns:
        A number, or an array as of the degrees.
    """
    return scipy.special.stdtrit(degrees, level)


def t_cdf(value: float, degrees: float) -> float:
    """Compute the probability that Student's t is at most a value."""
    return float(scipy.special.stdtr(degrees, value))


def t_p_value(value: float, degrees: float) -> float:
    """Compute the two-sided p value of a value of Student's t, whatever its sign.

    Args:
        value: An estimate over its standard error.
        degrees: Of freedom of that error, > 0, may be infinite.
    """
    return float(2 * scipy.special.stdtr(degrees, -abs(value)))


def chi2_quantile(level: float, degrees: float) -> float:
    """Compute the quantile of chi-squared at a level in (0, 1)."""
    return float(2 * scipy.special.gammaincinv(degrees / 2, level))


def chi2_p_value(value: float, degrees: float) -> float:
    """Compute the probability that chi-squared exceeds a value.

    Args:
        value: ≥ 0.
        degrees: Of freedom; NaN comes of 0.
    """
    return float(scipy.special.chdtrc(degrees, value)) if degrees > 0 else float("nan")


def normal_density(value: float) -> float:
    """Compute the density of the standard normal distribution."""
    return float(np.exp(-(value**2) / 2) / np.sqrt(2 * np.pi))
