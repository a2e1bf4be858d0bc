"""How strange a case of a new patient may be, by cases that a fit never saw."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skiagram.arrays import Floats


def conformal_quantile(strangeness: Floats, patient: NDArray[Any], level: float) -> float:
    """Find what a new patient's case does not exceed with at least the chance `level`.

    Every patient has the same weight, shared among his cases, and one more patient is taken to be
    infinitely strange (split-conformal prediction, Vovk 2012; weights of clustered cases as in Lee,
    Barber & Willett 2023, *Distribution-free inference with hierarchical data*). It holds where
    patients are exchangeable and the same fit judged both. With too few patients it is infinite.

    Args:
        strangeness: (n,) of cases that the fit never saw.
        patient: (n,) whose they are.
        level: Chance, in (0, 1).
    """
    _, whose, cases = np.unique(patient, return_inverse=True, return_counts=True)
    order = np.argsort(strangeness, kind="stable")
    weight = 1 / ((len(cases) + 1) * cases[whose][order])
    reached = np.cumsum(weight) >= level - 1e-12
    return float(strangeness[order][int(np.argmax(reached))]) if reached.any() else float("inf")
