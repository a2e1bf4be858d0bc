"""Exponent of a power law."""

import numpy as np
from numpy.typing import NDArray


def log_slope(x: NDArray[np.int64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the least-squares slope of log y over log x, (n,).

    Args:
        x: (m,), > 0, at least two of them different.
        y: (m, n), > 0.
    """
    centred = np.log(x) - np.log(x).mean()
    return centred @ np.log(y) / (centred @ centred)
