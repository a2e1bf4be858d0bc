"""Whether a feature selection chooses the same features when the data change."""

import numpy as np
from numpy.typing import NDArray

from skiagram.evaluation.proportions import Z
from skiagram.evaluation.results import Estimate


def selection_stability(selected: NDArray[np.bool_]) -> Estimate:
    """Estimate the stability of feature selections, corrected for chance.

    1 − (mean over features of their unbiased selection variance) / (k̄/d)(1 − k̄/d), k̄ being the mean
    number of chosen features: 1 when every selection is the same, 0 on average when they are drawn
    at random. Interval by the asymptotic variance (Nogueira, Sechidis & Brown 2018, *JMLR* 18(174),
    definition 4 and theorem 7).

    Args:
        selected: (m, d), row after row the features that a fold or repeat chose; m ≥ 2.
    """
    m, d = selected.shape
    sizes = selected.sum(axis=1)
    mean_size = float(sizes.mean())
    if m < 2:
        return Estimate(None, reason="a single selection")
    if mean_size in (0, d):
        return Estimate(None, reason="no feature or every feature was chosen each time")
    frequency = selected.mean(axis=0)
    chance = mean_size / d * (1 - mean_size / d)
    value = 1 - float((m / (m - 1) * frequency * (1 - frequency)).mean()) / chance
    if not frequency[(frequency > 0) & (frequency < 1)].size:
        return Estimate(1.0, method="no interval: every selection is the same")
    own = _influence(selected, sizes, frequency, value, chance)
    half = Z * float(np.sqrt(4 / m**2 * ((own - own.mean()) ** 2).sum()))
    return Estimate(value, max(-1.0, value - half), min(1.0, value + half), "Nogueira")


def _influence(
    selected: NDArray[np.bool_],
    sizes: NDArray[np.int64],
    frequency: NDArray[np.float64],
    value: float,
    chance: float,
) -> NDArray[np.float64]:
    """Return (m,) the φ of theorem 7: how each selection moves the stability."""
    d = selected.shape[1]
    mean_size = float(sizes.mean())
    shared = (selected * frequency).mean(axis=1)
    sized = value / 2 * (2 * mean_size * sizes / d**2 - sizes / d - mean_size / d + 1)
    own: NDArray[np.float64] = (shared - sizes * mean_size / d**2 + sized) / chance
    return own
