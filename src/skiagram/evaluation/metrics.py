"""The figures of one model on the reported cases, each with its interval by patient."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from skiagram.evaluation import discrimination
from skiagram.evaluation.bootstrap import PatientDraws, bootstrap_estimate
from skiagram.evaluation.delong import Placements, auc_estimate, difference_estimate, placements
from skiagram.evaluation.proportions import proportion
from skiagram.evaluation.reference import Reference
from skiagram.evaluation.reported import Scores
from skiagram.evaluation.results import Estimate

Floats = NDArray[np.float64]
Metric = Callable[[int, Floats], Floats]


def metrics(scores: Scores, cases: Reference, draws: PatientDraws) -> dict[str, Estimate]:
    """Estimate every metric of the task; a mean over repeats where there are several.

    Args:
        scores: The model's scores on the reported cases.
        cases: The reported cases.
        draws: Patient resamples of them.
    """
    found = {"roc_auc": roc_auc(scores, cases, draws)}
    if cases.positive is None:
        found["hand_till_auc"] = _bootstrap(
            lambda r, w: discrimination.hand_till_auc(scores.probability[r], cases.label, w),
            scores,
            draws,
        )
    found["average_precision"] = _average_precision(scores, cases, draws)
    found["accuracy"] = proportion(
        (decisions(scores) == cases.label).mean(axis=0, dtype=np.float64), cases.patient
    )
    found["balanced_accuracy"] = _bootstrap(
        lambda r, w: discrimination.balanced_accuracy(
            decisions(scores)[r], cases.label, len(cases.classes), w
        ),
        scores,
        draws,
    )
    found |= operating_point(scores, cases)
    found["brier"] = _bootstrap(
        lambda r, w: discrimination.brier(scores.probability[r], cases.label, cases.positive, w),
        scores,
        draws,
    )
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
    return _bootstrap(
        lambda r, w: discrimination.one_vs_rest_auc(scores.probability[r], cases.label, w),
        scores,
        draws,
    )


def auc_difference(
    scores: Scores, other: Scores, cases: Reference, draws: PatientDraws
) -> Estimate:
    """Estimate the AUC of one model minus that of another on the same cases, paired by patient."""
    if 0 in cases.patients_by_class():
        return Estimate(None, reason=absent(cases))
    one, two = auc_placements(scores, cases), auc_placements(other, cases)
    if one is not None and two is not None:
        return difference_estimate(one, two)

    def difference(weights: Floats) -> Floats:
        means = [
            np.mean(
                [discrimination.one_vs_rest_auc(p, cases.label, weights) for p in each.probability],
                axis=0,
            )
            for each in (scores, other)
        ]
        result: Floats = means[0] - means[1]
        return result

    return bootstrap_estimate(difference, draws, share=False)


def operating_point(scores: Scores, cases: Reference) -> dict[str, Estimate]:
    """Estimate sensitivity and specificity at each repeat's own threshold; empty with more classes.

    A case is called positive when its probability reaches the threshold.
    """
    if cases.positive is None:
        return {}
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


def _average_precision(scores: Scores, cases: Reference, draws: PatientDraws) -> Estimate:
    if 0 in cases.patients_by_class():
        return Estimate(None, reason=absent(cases))
    if scores.ranking is None:
        return _bootstrap(
            lambda r, w: discrimination.macro_average_precision(
                scores.probability[r], cases.label, w
            ),
            scores,
            draws,
        )
    order, positive = scores.ranking, cases.label == cases.positive
    return _bootstrap(
        lambda r, w: discrimination.average_precision(order[r], positive, w), scores, draws
    )


def _bootstrap(metric: Metric, scores: Scores, draws: PatientDraws) -> Estimate:
    """Bootstrap the mean over repeats of a metric of (repeat, weights)."""
    repeats = range(len(scores.probability))
    return bootstrap_estimate(
        lambda weights: np.mean([metric(r, weights) for r in repeats], axis=0), draws
    )
