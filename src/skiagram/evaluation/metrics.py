"""The figures of one model on the reported cases, each with its interval by patient."""

import numpy as np
from numpy.typing import NDArray

from skiagram.evaluation import discrimination
from skiagram.evaluation.bootstrap import PatientDraws, bootstrap_estimate, mean_over_repeats
from skiagram.evaluation.delong import Placements, auc_estimate, difference_estimate, placements
from skiagram.evaluation.proportions import proportion
from skiagram.evaluation.reference import Reference
from skiagram.evaluation.reported import Scores
from skiagram.evaluation.results import Estimate


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


def auc_placements(scores: Scores, cases: Reference) -> Placements | None:
    """Return the placements of a binary task, or None where an AUC has none."""
    if scores.ranking is None or 0 in cases.patients_by_class():
        return None
    return placements(scores.ranking, cases.label == cases.positive, cases.patient)


def roc_auc(scores: Scores, cases: Reference, draws: PatientDraws) -> Estimate:
    """Estimate the AUC: by DeLong for two classes, one-vs-rest by bootstrap for more."""
    if 0 in cases.patients_by_class():
        return Estimate(None, reason=absent(cases))
    found = auc_placements(scores, cases)
    if found is not None:
        return auc_estimate(found)
    return bootstrap_estimate(
        mean_over_repeats(
            lambda one, weights: discrimination.one_vs_rest_auc(one, cases.label, weights),
            scores.probability,
        ),
        draws,
    )


def class_auc(scores: Scores, cases: Reference) -> tuple[Estimate, ...]:
    """Estimate the AUC of each class against all others, by its probability; empty for two."""
    if cases.positive is not None:
        return ()
    found = []
    for k, patients in enumerate(cases.patients_by_class()):
        own = cases.label == k
        if patients == 0 or own.all():
            found.append(Estimate(None, reason=absent(cases)))
        else:
            found.append(auc_estimate(placements(scores.probability[:, :, k], own, cases.patient)))
    return tuple(found)


def auc_difference(
    scores: Scores, other: Scores, cases: Reference, draws: PatientDraws
) -> Estimate:
    """Estimate the AUC of one model minus that of another on the same cases, paired by patient."""
    if 0 in cases.patients_by_class():
        return Estimate(None, reason=absent(cases))
    one, two = auc_placements(scores, cases), auc_placements(other, cases)
    if one is not None and two is not None:
        return difference_estimate(one, two)
    mean, other_mean = (
        mean_over_repeats(
            lambda one, weights: discrimination.one_vs_rest_auc(one, cases.label, weights),
            each.probability,
        )
        for each in (scores, other)
    )
    return bootstrap_estimate(
        lambda weights: mean(weights) - other_mean(weights), draws, share=False
    )


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


def absent(cases: Reference) -> str:
    """Say which classes have no reported case."""
    counts = zip(cases.classes, cases.patients_by_class(), strict=True)
    names = [name for name, patients in counts if patients == 0]
    return f"no reported case of class {', '.join(names)}"
