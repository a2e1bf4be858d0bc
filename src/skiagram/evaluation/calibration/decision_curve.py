"""Net benefit of acting on a model's probabilities."""

import numpy as np
from numpy.typing import NDArray

from skiagram.evaluation.bootstrap import PatientDraws
from skiagram.evaluation.bootstrap_intervals import LEVELS
from skiagram.evaluation.records.calibration import DecisionCurve

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
THRESHOLDS = np.arange(1, 100) / 100


def case_worth(probability: Floats, positive: Flags) -> Floats:
    """Return (n, thresholds) what acting on each case is worth, mean over repeats.

    1 for a positive, −t/(1 − t) for a negative, 0 where one does not act; the mean over cases is
    the net benefit TP/n − FP/n · t/(1 − t) (Vickers & Elkin 2006, *Medical Decision Making*
    26:565).

    Args:
        probability: (repeats, n) of the positive class.
        positive: (n,) true class.
    """
    acted = np.mean([one[:, None] >= THRESHOLDS for one in probability], axis=0)
    worth: Floats = acted * np.where(positive[:, None], 1.0, -THRESHOLDS / (1 - THRESHOLDS))
    return worth


def decision_curve(probability: Floats, positive: Flags, draws: PatientDraws) -> DecisionCurve:
    """Return the decision curve with its 95 % percentile band by patient.

    Args:
        probability: (repeats, n) of the positive class.
        positive: (n,) true class.
        draws: Patient resamples of the cases.
    """
    worth = case_worth(probability, positive)
    resampled = [block @ worth / block.sum(axis=1, keepdims=True) for block in draws.weights()]
    low, high = np.quantile(np.concatenate(resampled), LEVELS, axis=0)
    everybody = case_worth(np.ones_like(probability[:1]), positive).mean(axis=0)
    columns = (THRESHOLDS, worth.mean(axis=0), low, high, everybody)
    return DecisionCurve(*(tuple(one.tolist()) for one in columns))
