"""Where a probability becomes a decision."""

import numpy as np
from numpy.typing import NDArray


def threshold_at_sensitivity(
    probability: NDArray[np.float64], positive: NDArray[np.bool_], sensitivity: float
) -> float:
    """Return the highest threshold (positive: `probability ≥ threshold`) that keeps a sensitivity.

    Args:
        probability: (n,) calibrated probability of the positive class, out-of-fold.
        positive: (n,) whether the case is positive; at least one is.
        sensitivity: Wanted sensitivity in (0, 1].
    """
    ranked = np.sort(probability[positive])[::-1]
    needed = int(np.ceil(sensitivity * len(ranked) - 1e-9))  # .7 × 10 is a little above 7
    return float(ranked[needed - 1])
