"""Scores from decision functions, shared by the families that have one."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def decision_scores(estimator: Any, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the decision function, one column a class; (−d, d) for two classes.

    Args:
        estimator: Fitted classifier with a `decision_function`.
        values: (n, n_features) float64, normalised.
    """
    decision = np.asarray(estimator.decision_function(values), dtype=np.float64)
    return np.stack([-decision, decision], axis=1) if decision.ndim == 1 else decision
