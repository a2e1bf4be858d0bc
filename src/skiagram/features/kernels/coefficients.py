"""Compiled moments and entropy of many coefficients, without a copy of them."""

import numpy as np
from numpy.typing import NDArray

from skiagram.compiled import compiled

_AT_ONCE = 4096  # added up on their own, so that sums of millions keep their digits


@compiled
def coefficient_moments(bands: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return means of |c|, c², (c − μ)² and (c − μ)⁴, with μ the mean of c.

    Args:
        bands: (n, m).

    Returns:
        (4, n).
    """
    n, size = bands.shape
    found = np.zeros((4, n))
    for image in range(n):
        band, mean = bands[image], 0.0
        for first in range(0, size, _AT_ONCE):
            total = 0.0
            for at in range(first, min(first + _AT_ONCE, size)):
                total += band[at]
            mean += total / size
        for first in range(0, size, _AT_ONCE):
            part = np.zeros(4)
            for at in range(first, min(first + _AT_ONCE, size)):
                square = (band[at] - mean) ** 2
                part[0] += abs(band[at])
                part[1] += band[at] ** 2
                part[2] += square
                part[3] += square**2
            found[:, image] += part / size
    return found


@compiled
def energy_entropy(bands: NDArray[np.float64], total: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return −Σ p log₂ p of the shares p = c² / total, (n,).

    Args:
        bands: (n, m).
        total: (n,) > 0.
    """
    n, size = bands.shape
    found = np.zeros(n)
    for image in range(n):
        for first in range(0, size, _AT_ONCE):
            part = 0.0
            for at in range(first, min(first + _AT_ONCE, size)):
                share = bands[image, at] ** 2 / total[image]
                if share > 0:
                    part -= share * np.log2(share)
            found[image] += part
    return found
