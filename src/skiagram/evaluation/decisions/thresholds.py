"""Thresholds that keep a sensitivity or a specificity on out-of-fold scores."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from skiagram.calibration.threshold import threshold_at_sensitivity
from skiagram.evaluation.held_out import HeldOut
from skiagram.evaluation.questions import Aim

Floats = NDArray[np.float64]


def threshold_at_specificity(
    probability: Floats, positive: NDArray[np.bool_], specificity: float
) -> float:
    """Return the lowest threshold (positive: `probability ≥ threshold`) that keeps a specificity.

    Args:
        probability: (n,) probability of the positive class.
        positive: (n,) true class; at least one case is negative.
        specificity: Wanted specificity in (0, 1].
    """
    highest_negative = -threshold_at_sensitivity(-probability, ~positive, specificity)
    return float(np.nextafter(highest_negative, np.inf))


def thresholds(held_out: Sequence[HeldOut], aim: Aim, repeats: int) -> Floats:
    """Return (repeats, n) the threshold for each reported case; NaN where none can be fixed.

    Args:
        held_out: Scores that fix them.
        aim: What they keep.
        repeats: Number of repeats reported.
    """
    rule = {"sensitivity": threshold_at_sensitivity, "specificity": threshold_at_specificity}
    found = np.full((repeats, len(held_out[0].reported)), np.nan)
    for one in held_out:
        positive = one.cases.label == one.cases.positive
        if one.cases.positive is not None and 0 < positive.sum() < len(positive):
            probability = one.probability[:, one.cases.positive]
            found[one.repeat, one.reported] = rule[aim.aim](probability, positive, aim.level)
    return found
