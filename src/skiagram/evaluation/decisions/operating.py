"""What decisions at a threshold are worth: shares, predictive values, correlation."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from skiagram.evaluation.areas import absent
from skiagram.evaluation.bootstrap import PatientDraws, bootstrap_estimate, mean_over_repeats
from skiagram.evaluation.decisions.predictive_values import at_prevalence
from skiagram.evaluation.decisions.thresholds import thresholds
from skiagram.evaluation.discrimination import balanced_accuracy
from skiagram.evaluation.held_out import HeldOut
from skiagram.evaluation.proportions import proportion
from skiagram.evaluation.questions import Questions
from skiagram.evaluation.records.operating import OperatingPoint
from skiagram.evaluation.reference import Reference
from skiagram.evaluation.reported import Scores
from skiagram.evaluation.results import Estimate

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
FIGURES = (
    "sensitivity",
    "specificity",
    "positive_predictive_value",
    "negative_predictive_value",
    "balanced_accuracy",
    "matthews_correlation",
)


def operating_points(
    scores: Scores,
    held_out: Sequence[HeldOut],
    questions: Questions,
    cases: Reference,
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
    found = []
    for aim in questions.operating_points:
        limit = thresholds(held_out, aim, len(scores.probability))
        if np.isnan(limit).any():
            unknown = Estimate(None, reason="a class has no held-out case to fix a threshold on")
            found.append(OperatingPoint(aim.aim, aim.level, None, dict.fromkeys(FIGURES, unknown)))
            continue
        called = scores.probability[:, :, cases.positive] >= limit
        figures = decision_figures(called, cases, draws, questions.prevalence)
        found.append(OperatingPoint(aim.aim, aim.level, float(limit.mean()), figures))
    return tuple(found)


def decision_figures(
    called: Flags, cases: Reference, draws: PatientDraws, prevalence: float | None
) -> dict[str, Estimate]:
    """Estimate what the decisions are worth.

    Args:
        called: (repeats, n) whether a case is called positive.
        cases: The reported cases, of two classes.
        draws: Patient resamples of them.
        prevalence: Share of positives at which predictive values are also given.
    """
    positive = cases.label == cases.positive
    right = (called == positive).mean(axis=0, dtype=np.float64)
    found = {
        "sensitivity": proportion(right[positive], cases.patient[positive]),
        "specificity": proportion(right[~positive], cases.patient[~positive]),
        "positive_predictive_value": _predictive(called, positive, cases.patient),
        "negative_predictive_value": _predictive(~called, ~positive, cases.patient),
        "balanced_accuracy": _balanced(called, positive, draws),
        "matthews_correlation": _correlation(called, cases, draws),
    }
    if prevalence is not None:
        found |= at_prevalence(right, positive, cases.patient, prevalence)
    return found


def matthews_correlation(called: Flags, positive: Flags, weights: Floats) -> Floats:
    """Correlation of decisions with the truth (Matthews 1975); NaN where either does not vary.

    Args:
        called: (n,) whether a case is called positive.
        positive: (n,) true class.
        weights: (b, n), ≥ 0.
    """
    total = weights.sum(axis=1)
    share, named, both = (
        weights @ one.astype(np.float64) / total for one in (positive, called, positive & called)
    )
    spread = share * (1 - share) * named * (1 - named)
    result = np.full(len(weights), np.nan)
    np.divide(both - share * named, np.sqrt(spread), out=result, where=spread > 1e-15)
    bounded: Floats = np.clip(result, -1.0, 1.0)
    return bounded


def _predictive(called: Flags, positive: Flags, patient: NDArray[np.int64]) -> Estimate:
    """Estimate the share of called cases that are so, repeats as further looks at a patient."""
    rows = np.nonzero(called)[1]
    if len(rows) == 0:
        return Estimate(None, reason="no case was called so")
    return proportion(positive[rows].astype(np.float64), patient[rows])


def _balanced(called: Flags, positive: Flags, draws: PatientDraws) -> Estimate:
    truth = positive.astype(np.int64)
    statistic = mean_over_repeats(
        lambda one, weights: balanced_accuracy(one, truth, 2, weights), called.astype(np.int64)
    )
    return bootstrap_estimate(statistic, draws)


def _correlation(called: Flags, cases: Reference, draws: PatientDraws) -> Estimate:
    positive = cases.label == cases.positive
    if 0 in cases.patients_by_class():
        return Estimate(None, reason=absent(cases))
    if not (called.any(axis=1) & ~called.all(axis=1)).all():
        return Estimate(None, reason="every case was called alike")
    if (called == positive).all():
        return Estimate(1.0, method="no interval: no decision was wrong")
    statistic = mean_over_repeats(
        lambda one, weights: matthews_correlation(one, positive, weights), called
    )
    return bootstrap_estimate(statistic, draws, share=False)
