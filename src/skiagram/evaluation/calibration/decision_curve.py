"""Net benefit of acting on a model's probabilities."""

import numpy as np
from numpy.typing import NDArray

from skiagram.evaluation.bootstrap import PatientDraws
from skiagram.evaluation.bootstrap_intervals import LEVELS
from skiagram.evaluation.records.calibration import DecisionCurve

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
THRESHOLDS = np.arange(1, 100) / 100


def net_benefit(probability: Floats, positive: Flags, weights: Floats) -> Floats:
    """Return (b, thresholds) true positives less weighed false ones, a case, mean over repeats.

    TP/n − FP/n · t/(1 − t) at each threshold t (Vickers & Elkin 2006, *Medical Decision Making*
    26:565).

    Args:
        probability: (repeats, n) of the positive class.
        positive: (n,) true class.
        weights: (b, n), ≥ 0, of which each row has a positive sum.
    """
    acted = (probability[:, :, None] >= THRESHOLDS).mean(axis=0)
    worth = np.where(positive[:, None], 1.0, -THRESHOLDS / (1 - THRESHOLDS))
    found: Floats = weights @ (acted * worth) / weights.sum(axis=1, keepdims=True)
    return found


def decision_curve(probability: Floats, positive: Flags, draws: PatientDraws) -> DecisionCurve:
    """Return the decision curve with its 95 % percentile band by patient.

    Args:
        probability: (repeats, n) of the positive class.
        positive: (n,) true class.
        draws: Patient resamples of the cases.
    """
    ones = np.ones((1, len(positive)))
    resampled = [net_benefit(probability, positive, block) for block in draws.weights()]
    low, high = np.quantile(np.concatenate(resampled), LEVELS, axis=0)
    everybody = net_benefit(np.ones_like(probability[:1]), positive, ones)[0]
    value = net_benefit(probability, positive, ones)[0]
    columns = (THRESHOLDS, value, low, high, everybody)
    return DecisionCurve(*(tuple(one.tolist()) for one in columns))
