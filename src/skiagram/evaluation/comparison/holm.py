"""Correction of several p values."""

import numpy as np
from numpy.typing import NDArray


def holm(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return p values that keep the chance of any false finding among all of them (Holm 1979).

    Args:
        p: (m,) in [0, 1].
    """
    order = np.argsort(p, kind="stable")
    factors = np.arange(len(p), 0, -1)
    raised = np.minimum(1.0, np.maximum.accumulate(p[order] * factors))
    corrected = np.empty(len(p))
    corrected[order] = raised
    return corrected
