"""Figures of one model with their intervals: from scores, from decisions, by class.

`metrics` declares what each figure is; the statistics themselves are in `discrimination`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skiagram.evaluation.labelled_cases import LabelledCases
from skiagram.evaluation.options import PartialRange
from skiagram.evaluation.scores import Scores
from skiagram.statistics import discrimination
from skiagram.statistics.bootstrap import MeanOverRepeats, PatientDraws, bootstrap_estimate
from skiagram.statistics.delong import Placements, auc_estimate, macro_placements, placements
from skiagram.statistics.discrimination import Flags, Floats, Labels
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.proportions import predictive_value_at_prevalence, proportion

Statistic = Callable[[NDArray[Any], NDArray[Any], Floats], Floats]


Estimator = Callable[[Scores, LabelledCases, PatientDraws], Estimate]


@dataclass(frozen=True)
class Decisions:
    """Decisions of one model about the reported cases of a task of two classes.

    Attributes:
        called: (repeats, n) whether a case is called positive.
        cases: The reported cases.
        draws: Patient resamples of them.
        prevalence: Share of positives at which predictive values are also given, in (0, 1); None
            asks for none.
    """

    called: Flags
    cases: LabelledCases
    draws: PatientDraws
    prevalence: float | None = None

    @cached_property
    def positive(self) -> Flags:
        """Return (n,) the true class."""
        return np.asarray(self.cases.label == self.cases.positive)


def absent_classes(cases: LabelledCases) -> str:
    """Say which classes have no reported case."""
    counts = zip(cases.classes, cases.patients_by_class(), strict=True)
    names = [name for name, patients in counts if patients == 0]
    return f"no reported case of class {', '.join(names)}"


def binary_placements(scores: Scores, cases: LabelledCases) -> Placements | None:
    """Return the placements of a binary task, or None where an AUC has none."""
    if scores.ranking is None or 0 in cases.patients_by_class():
        return None
    positive = cases.label == cases.positive
    return placements(scores.ranking, positive, cases.patient, scores.folds)


def auc_placements(scores: Scores, cases: LabelledCases) -> Placements | None:
    """Return the placements of the AUC, macro one-vs-rest with more classes; None without one."""
    if 0 in cases.patients_by_class():
        return None
    if cases.positive is None:
        return macro_placements(scores.probability, cases.label, cases.patient, scores.folds)
    return binary_placements(scores, cases)


def estimate_auc(scores: Scores, cases: LabelledCases, draws: PatientDraws) -> Estimate:
    """Estimate the AUC: by DeLong for two classes, one-vs-rest by bootstrap for more."""
    if 0 in cases.patients_by_class():
        return Estimate(None, reason=absent_classes(cases))
    ranked = binary_placements(scores, cases)
    if ranked is not None:
        return auc_estimate(ranked)
    return _bootstrap(
        discrimination.one_vs_rest_auc, scores.probability, cases.label, draws, scores.folds
    )


def estimate_class_auc(scores: Scores, cases: LabelledCases) -> tuple[Estimate, ...]:
    """Estimate the AUC of each class against all others, by its probability; empty for two."""
    if cases.positive is not None:
        return ()
    by_class = []
    for k, patients in enumerate(cases.patients_by_class()):
        own = cases.label == k
        if patients == 0 or own.all():
            by_class.append(Estimate(None, reason=absent_classes(cases)))
        else:
            ranking = scores.probability[:, :, k]
            by_class.append(auc_estimate(placements(ranking, own, cases.patient, scores.folds)))
    return tuple(by_class)


def _bootstrap(
    statistic: Statistic,
    values: NDArray[Any],
    truth: NDArray[Any],
    draws: PatientDraws,
    folds: int = 0,
    *,
    share: bool = True,
) -> Estimate:
    """Estimate the mean over repeats of a statistic of (repeats, n, …) values and (n,) truth."""

    def of_repeat(of_cases: NDArray[Any], weights: Floats) -> Floats:
        return statistic(of_cases, truth, weights)

    return bootstrap_estimate(MeanOverRepeats(of_repeat, values, folds), draws, share=share)


def estimate_by_bootstrap(
    *, two: Statistic | None = None, more: Statistic | None = None
) -> Estimator:
    """Return what estimates a metric that is not defined without a case of every class.

    Args:
        two: Statistic of what ranks the cases and the true class, for two classes.
        more: Statistic of probabilities and labels, for more classes.
    """

    def estimate(scores: Scores, cases: LabelledCases, draws: PatientDraws) -> Estimate:
        if 0 in cases.patients_by_class():
            return Estimate(None, reason=absent_classes(cases))
        if two and scores.ranking is not None:
            return _bootstrap(two, scores.ranking, cases.label == cases.positive, draws)
        if more and scores.ranking is None:
            return _bootstrap(more, scores.probability, cases.label, draws)
        return Estimate(None, reason="not defined for as many classes")

    return estimate


def estimate_partial_auc(
    scores: Scores, cases: LabelledCases, draws: PatientDraws, wanted: PartialRange
) -> Estimate:
    """Estimate the standardised area under a range of the ROC curve, of two classes.

    Over a range of sensitivities it is the area to the right of the curve: that of specificity with
    the classes and the order of the scores turned round.

    Args:
        scores: The model's scores on the reported cases.
        cases: The reported cases.
        draws: Patient resamples of them.
        wanted: The range.
    """
    if 0 in cases.patients_by_class() or scores.ranking is None:
        return Estimate(None, reason=absent_classes(cases))
    area = partial(discrimination.partial_roc_auc, low=1 - wanted.high, high=1 - wanted.low)
    ranking, positive = scores.ranking, cases.label == cases.positive
    if wanted.of == "sensitivity":
        ranking, positive = -ranking, ~positive
    estimate = _bootstrap(area, ranking, positive, draws)
    return replace(estimate, method=f"{estimate.method}, {wanted.words}")


def estimate_accuracy(scores: Scores, cases: LabelledCases, _: PatientDraws) -> Estimate:
    """Estimate the share of cases whose most probable class is the true one."""
    correct = (decided_class(scores) == cases.label).astype(np.float64)
    return proportion(correct, cases.patient)


def estimate_balanced_accuracy(
    decision: Labels, label: Labels, n_classes: int, draws: PatientDraws
) -> Estimate:
    """Estimate the balanced accuracy of (repeats, n) decided classes."""
    balanced_accuracy = partial(discrimination.balanced_accuracy, n_classes=n_classes)
    return _bootstrap(balanced_accuracy, decision, label, draws)


def estimate_brier(scores: Scores, cases: LabelledCases, draws: PatientDraws) -> Estimate:
    """Estimate the Brier score."""
    brier = partial(discrimination.brier, positive=cases.positive)
    return _bootstrap(brier, scores.probability, cases.label, draws)


def estimate_operating_point(scores: Scores, cases: LabelledCases) -> dict[str, Estimate]:
    """Estimate sensitivity and specificity at each repeat's own threshold; empty with more classes.

    A case is called positive when its probability reaches the threshold.
    """
    if cases.positive is None:
        return {}
    if np.isnan(scores.threshold).any():
        missing = Estimate(None, reason="no threshold was fixed on out-of-fold scores")
        return {"sensitivity": missing, "specificity": missing}
    called = scores.probability[:, :, cases.positive] >= scores.threshold
    return {
        "sensitivity": estimate_share_decided(called, cases, positive=True),
        "specificity": estimate_share_decided(called, cases, positive=False),
    }


def estimate_share_decided(called: Flags, cases: LabelledCases, *, positive: bool) -> Estimate:
    """Estimate the share of positive, or of negative, cases that are decided correctly.

    Args:
        called: (repeats, n) whether a case is called positive.
        cases: The n cases.
        positive: Whether the positive cases are meant.
    """
    own = (cases.label == cases.positive) == positive
    return proportion((called[:, own] == positive).astype(np.float64), cases.patient[own])


def judge_predictive_value(called: Flags, true: Flags, patient: NDArray[np.int64]) -> Estimate:
    """Estimate the share of called cases that are so, repeats as further looks at a patient.

    Args:
        called: (repeats, n) whether a case is called so.
        true: (n,) whether it is so.
        patient: (n,) patients numbered from 0.
    """
    rows = np.nonzero(called)[1]
    if len(rows) == 0:
        return Estimate(None, reason="no case got this decision")
    return proportion(true[rows].astype(np.float64), patient[rows])


def judge_matthews_correlation(decisions: Decisions) -> Estimate:
    """Estimate the correlation of decisions with the truth."""
    called, positive = decisions.called, decisions.positive
    if 0 in decisions.cases.patients_by_class():
        return Estimate(None, reason=absent_classes(decisions.cases))
    if not (called.any(axis=1) & ~called.all(axis=1)).all():
        return Estimate(None, reason="every case got the same decision")
    if (called == positive).all():
        return Estimate(1.0, method="no interval: no decision was wrong")
    correlation = discrimination.matthews_correlation
    return _bootstrap(correlation, called, positive, decisions.draws, share=False)


def judge_predictive_value_at_prevalence(decisions: Decisions, *, positive: bool) -> Estimate:
    """Estimate the positive, or the negative, predictive value at the stated prevalence."""
    prevalence = decisions.prevalence
    if prevalence is None:
        raise ValueError("no prevalence is stated")
    correct = (decisions.called == decisions.positive).mean(axis=0)
    own, share = decisions.positive, prevalence
    if not positive:
        own, share = ~own, 1 - prevalence
    return predictive_value_at_prevalence(correct, own, decisions.cases.patient, share)


def decided_class(scores: Scores) -> Labels:
    """Return (repeats, n) the most probable class."""
    named: Labels = scores.probability.argmax(axis=2)
    return named
