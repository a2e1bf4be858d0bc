"""Decisions at thresholds that were fixed on out-of-fold scores."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from skiagram.calibration import threshold_at_sensitivity
from skiagram.evaluation.estimation import Decisions
from skiagram.evaluation.labelled_cases import LabelledCases
from skiagram.evaluation.metrics import METRICS, judge_decisions
from skiagram.evaluation.options import OperatingTarget, RequestedAnalyses
from skiagram.evaluation.results import OperatingPoint
from skiagram.evaluation.scores import HeldOutScores, Scores
from skiagram.statistics.bootstrap import PatientDraws
from skiagram.statistics.estimate import Estimate

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


def thresholds(held_out: Sequence[HeldOutScores], aim: OperatingTarget, repeats: int) -> Floats:
    """Return (repeats, n) the threshold for each reported case; NaN where none can be fixed.

    Args:
        held_out: Scores that fix them.
        aim: What they keep.
        repeats: Number of repeats reported.
    """
    rule = {"sensitivity": threshold_at_sensitivity, "specificity": threshold_at_specificity}
    limits = np.full((repeats, len(held_out[0].reported)), np.nan)
    for held in held_out:
        positive = held.cases.label == held.cases.positive
        if held.cases.positive is not None and 0 < positive.sum() < len(positive):
            probability = held.probability[:, held.cases.positive]
            limits[held.repeat, held.reported] = rule[aim.aim](probability, positive, aim.level)
    return limits


def judge_operating_points(
    scores: Scores,
    held_out: Sequence[HeldOutScores],
    questions: RequestedAnalyses,
    cases: LabelledCases,
    draws: PatientDraws,
) -> tuple[OperatingPoint, ...]:
    """Judge decisions at every threshold asked for; empty with more than two classes.

    Args:
        scores: The model's scores on the reported cases.
        held_out: Scores that fix the thresholds.
        questions: Operating points and the prevalence stated.
        cases: The reported cases.
        draws: Patient resamples of them.
    """
    if cases.positive is None:
        return ()
    points = []
    for aim in questions.operating_points:
        limit = thresholds(held_out, aim, len(scores.probability))
        if np.isnan(limit).any():
            unknown = Estimate(None, reason="a class has no held-out case to fix a threshold on")
            names = [
                metric.name for metric in METRICS if metric.judge and not metric.needs_prevalence
            ]
            points.append(OperatingPoint(aim.aim, aim.level, None, dict.fromkeys(names, unknown)))
            continue
        called = scores.probability[:, :, cases.positive] >= limit
        figures = judge_decisions(Decisions(called, cases, draws, questions.prevalence))
        points.append(OperatingPoint(aim.aim, aim.level, float(limit.mean()), figures))
    return tuple(points)
