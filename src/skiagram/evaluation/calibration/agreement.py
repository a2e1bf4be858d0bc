"""All that is said of a model's probabilities."""

import numpy as np

from skiagram.evaluation.calibration.recalibration import (
    calibration_intercept,
    calibration_slope,
    expected_to_observed,
)
from skiagram.evaluation.calibration.reliability import brier_parts, reliability_curve
from skiagram.evaluation.records.calibration import CalibrationResult
from skiagram.evaluation.reference import Reference
from skiagram.evaluation.reported import Scores
from skiagram.evaluation.results import Estimate

_TWO_CLASSES = Estimate(None, reason="defined for two classes")


def agreement(scores: Scores, cases: Reference) -> CalibrationResult:
    """Judge calibrated probabilities on the reported cases.

    With more than two classes the reliability curve is of the most probable class: how often it is
    the true one.

    Args:
        scores: The model's scores on the reported cases.
        cases: The reported cases.
    """
    if cases.positive is None:
        named = scores.probability.argmax(axis=2)
        curve = reliability_curve(
            scores.probability.max(axis=2), named == cases.label, cases.patient
        )
        return CalibrationResult(curve, None, _TWO_CLASSES, _TWO_CLASSES, _TWO_CLASSES)
    probability = scores.probability[:, :, cases.positive]
    positive = cases.label == cases.positive
    curve = reliability_curve(
        probability, np.broadcast_to(positive, probability.shape), cases.patient
    )
    return CalibrationResult(
        curve,
        brier_parts(probability, positive),
        calibration_intercept(probability, positive, cases.patient),
        calibration_slope(probability, positive, cases.patient),
        expected_to_observed(probability, positive, cases.patient),
    )
