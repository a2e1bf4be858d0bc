"""Which models no other beats in both cost and accuracy."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def pareto_front(cost: Sequence[float | None], value: Sequence[float]) -> NDArray[np.bool_]:
    """Mark what no other dominates: at most as dear and at least as good, and one of both strictly.

    Args:
        cost: Lower is better; None where it is not defined, which is never on the front.
        value: Higher is better.
    """
    known = np.array([np.nan if one is None else one for one in cost], dtype=np.float64)
    worth = np.asarray(value, dtype=np.float64)
    cheaper = known[:, None] <= known[None, :]
    better = worth[:, None] >= worth[None, :]
    strictly = (known[:, None] < known[None, :]) | (worth[:, None] > worth[None, :])
    front: NDArray[np.bool_] = np.isfinite(known) & ~(cheaper & better & strictly).any(axis=0)
    return front
