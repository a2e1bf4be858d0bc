"""How often another seed names another class for the same case."""

import numpy as np
from numpy.typing import NDArray


def flip_rate(named: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return, for each case, the chance that two different repeats name different classes.

    Args:
        named: (repeats, n) named class; at least two repeats.

    Returns:
        (n,) in [0, 1].
    """
    repeats = len(named)
    classes = np.arange(named.max() + 1)
    counts = (named[:, :, None] == classes).sum(axis=0)
    agreeing = (counts * (counts - 1)).sum(axis=1)
    rate: NDArray[np.float64] = 1 - agreeing / (repeats * (repeats - 1))
    return rate
