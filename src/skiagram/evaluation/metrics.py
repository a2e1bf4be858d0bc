"""The figures of one model on the reported cases, each with its interval by patient."""

import numpy as np
from numpy.typing import NDArray

from skiagram.evaluation import discrimination
from skiagram.evaluation.areas import absent, auc_placements, class_auc, roc_auc
from skiagram.evaluation.bootstrap import PatientDraws, bootstrap_estimate, mean_over_repeats
from skiagram.evaluation.comparison.contenders import Contender, compared_auc
from skiagram.evaluation.proportions import proportion
from skiagram.evaluation.reference import Reference
from skiagram.evaluation.reported import Scores
from skiagram.evaluation.results import Estimate

__all__ = [
    "auc_difference",
    "auc_placements",
    "average_precision",
    "class_auc",
    "decisions",
    "metrics",
    "operating_point",
    "roc_auc",
]


def metrics(scores: Scores, cases: Reference, draws: PatientDraws) -> dict[str, Estimate]:
    """Estimate every metric of the task; a mean over repeats where there are several.

    Args:
        scores: The model's scores on the reported cases.
        cases: The reported cases.
        draws: Patient resamples of them.
    """
    named, label = decisions(scores), cases.label
    found = {"roc_auc": roc_auc(scores, cases, draws)}
    if cases.positive is None:
        hand_till = mean_over_repeats(
            lambda one, weights: discrimination.hand_till_auc(one, label, weights),
            scores.probability,
        )
        found["hand_till_auc"] = bootstrap_estimate(hand_till, draws)
    balanced = mean_over_repeats(
        lambda one, weights: discrimination.balanced_accuracy(
            one, label, len(cases.classes), weights
        ),
        named,
    )
    brier = mean_over_repeats(
        lambda one, weights: discrimination.brier(one, label, cases.positive, weights),
        scores.probability,
    )
    found["average_precision"] = average_precision(scores, cases, draws)
    found["accuracy"] = proportion((named == label).mean(axis=0, dtype=np.float64), cases.patient)
    found["balanced_accuracy"] = bootstrap_estimate(balanced, draws)
    found |= operating_point(scores, cases)
    found["brier"] = bootstrap_estimate(brier, draws)
    return found


def auc_difference(
    scores: Scores, other: Scores, cases: Reference, draws: PatientDraws
) -> Estimate:
    """Estimate the AUC of one model minus that of another on the same cases, paired by patient."""
    one, two = Contender(scores, cases, draws), Contender(other, cases, draws)
    return compared_auc(one, two).estimate


def average_precision(scores: Scores, cases: Reference, draws: PatientDraws) -> Estimate:
    """Estimate the average precision; with more than two classes the one-vs-rest mean."""
    if 0 in cases.patients_by_class():
        return Estimate(None, reason=absent(cases))
    if scores.ranking is None:
        statistic = mean_over_repeats(
            lambda one, weights: discrimination.macro_average_precision(one, cases.label, weights),
            scores.probability,
        )
    else:
        positive = cases.label == cases.positive
        statistic = mean_over_repeats(
            lambda one, weights: discrimination.average_precision(one, positive, weights),
            scores.ranking,
        )
    return bootstrap_estimate(statistic, draws)


def operating_point(scores: Scores, cases: Reference) -> dict[str, Estimate]:
    """Estimate sensitivity and specificity at each repeat's own threshold; empty with more classes.

    A case is called positive when its probability reaches the threshold.
    """
    if cases.positive is None:
        return {}
    if np.isnan(scores.threshold).any():
        missing = Estimate(None, reason="no threshold was fixed on out-of-fold scores")
        return {"sensitivity": missing, "specificity": missing}
    called = scores.probability[:, :, cases.positive] >= scores.threshold
    positive = cases.label == cases.positive
    right = (called == positive).mean(axis=0, dtype=np.float64)
    return {
        "sensitivity": proportion(right[positive], cases.patient[positive]),
        "specificity": proportion(right[~positive], cases.patient[~positive]),
    }


def decisions(scores: Scores) -> NDArray[np.int64]:
    """Return (repeats, n) the most probable class."""
    named: NDArray[np.int64] = scores.probability.argmax(axis=2)
    return named
