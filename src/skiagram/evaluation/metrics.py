"""Every metric of a model: a name and the function that estimates it with its interval.

`figures` says what each is; the statistics themselves are in `statistics`.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skiagram.arrays import Flags, Floats, Whole
from skiagram.errors import refusal
from skiagram.evaluation.labelled_cases import LabelledCases
from skiagram.evaluation.options import PartialRange
from skiagram.statistics import discrimination, linearised
from skiagram.statistics.bootstrap import MeanOverRepeats, PatientDraws, bootstrap_estimate
from skiagram.statistics.delong import placements
from skiagram.statistics.distributions import t_quantile
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.linearised import Linearised
from skiagram.statistics.proportions import proportion
from skiagram.statistics.variation import UPPER, effective_patients
from skiagram.tasks.classes import CLASS_FIGURE, has_pairs
from skiagram.tasks.scored_cases import ScoredCases

Statistic = Callable[[NDArray[Any], NDArray[Any], Floats], Floats]
NO_THRESHOLD = Estimate(None, reason="no threshold was fixed on out-of-fold scores")
Estimator = Callable[[ScoredCases, LabelledCases, PatientDraws], Estimate]


def estimate_metrics(
    scores: ScoredCases,
    cases: LabelledCases,
    draws: PatientDraws,
    names: Sequence[str] | None = None,
) -> dict[str, Estimate]:
    """Estimate every metric of the task, or some; a mean over repeats where there are several."""
    names = [*list_estimators(cases)] if names is None else names
    return {name: estimate_metric(name, scores, cases, draws) for name in names}


def estimate_metric(
    name: str, scores: ScoredCases, cases: LabelledCases, draws: PatientDraws
) -> Estimate:
    """Estimate one metric by its name.

    Raises:
        OptionError: The task has no metric of this name.
    """
    estimators = list_estimators(cases)
    if name not in estimators:
        metrics = ", ".join(estimators)
        raise refusal("evaluation.other_metric", name, metrics=metrics)
    return estimators[name](scores, cases, draws)


def list_estimators(cases: LabelledCases) -> dict[str, Estimator]:
    """List the metrics of two classes, or of more, and how each is estimated."""
    other = "more than two" if cases.positive is not None else "two"
    return {
        name: estimate for name, estimate in METRICS.items() if CLASS_FIGURE[name].classes != other
    }


def measure_auc(scores: ScoredCases, cases: LabelledCases) -> Linearised:
    """Return the AUC, macro one-vs-rest with more than two classes; NaN where it is not defined."""
    return cases.tells_apart.measure_primary(scores)


def resample_auc(scores: ScoredCases, cases: LabelledCases, draws: PatientDraws) -> Floats:
    """Return (replicates,) the AUC on resamples of patients; NaN where one lacks a class."""
    if cases.positive is None:
        metric = _of_repeats(discrimination.one_vs_rest_auc, scores, scores.score, cases.label)
    else:
        positive = cases.is_positive
        metric = _of_repeats(discrimination.roc_auc, scores, scores.score, positive)
    areas = np.concatenate([metric.of_each(weights) for weights in draws.weights()], axis=1)
    averaged: Floats = areas.mean(axis=0)
    return averaged


def estimate_class_auc(scores: ScoredCases, cases: LabelledCases) -> tuple[Estimate, ...]:
    """Estimate the AUC of each class against all others, by its probability; empty for two."""
    if cases.positive is not None:
        return ()
    # Each class against all others; a class without pairs has none.
    areas = []
    for k in range(len(cases.classes)):
        positive = cases.label == k
        if has_pairs(scores, positive):
            probability = scores.estimate[:, :, k]
            area = placements(probability, positive, cases.patient, scores.folds, scores.fit)
            areas.append(area.estimate())
        else:
            missing = cases.tells_apart.find_missing_pairs(scores)
            areas.append(Estimate(None, reason=missing))
    return tuple(areas)


def _of_repeats(
    ranking: Callable[..., Floats], scores: ScoredCases, order: Floats, truth: NDArray[Any]
) -> MeanOverRepeats:
    """Return a statistic of the order of cases within the fits of each repeat."""
    repeats = zip(order, scores.fits, strict=True)
    return MeanOverRepeats(
        [partial(ranking, repeat, truth, fit=fit) for repeat, fit in repeats], scores.folds
    )


def bootstrap(
    statistic: Statistic,
    values: NDArray[Any],
    truth: NDArray[Any],
    draws: PatientDraws,
    *,
    share: bool = True,
) -> Estimate:
    """Estimate the mean over repeats of a statistic of (repeats, n, …) values and (n,) truth."""
    repeats = [partial(statistic, repeat_values, truth) for repeat_values in values]
    return bootstrap_estimate(MeanOverRepeats(repeats), draws, share=share)


def estimate_partial_auc(
    scores: ScoredCases, cases: LabelledCases, draws: PatientDraws, partial_range: PartialRange
) -> Estimate:
    """Estimate the standardised area under a range of the ROC curve, of two classes.

    Over a range of sensitivities it is the area to the right of the curve: that of specificity with
    the classes and the order of the scores turned round.
    """
    missing = cases.tells_apart.find_missing_pairs(scores)
    if missing:
        return Estimate(None, reason=missing)
    area = partial(
        discrimination.partial_roc_auc, low=1 - partial_range.high, high=1 - partial_range.low
    )
    order, positive = scores.score, cases.is_positive
    if partial_range.of == "sensitivity":
        order, positive = -order, ~positive
    estimate = bootstrap_estimate(_of_repeats(area, scores, order, positive), draws)
    return replace(estimate, method=f"{estimate.method}, {partial_range.words}")


def _estimate_hand_till(scores: ScoredCases, cases: LabelledCases, draws: PatientDraws) -> Estimate:
    missing = cases.tells_apart.find_missing_pairs(scores)
    if missing:
        return Estimate(None, reason=missing)
    hand_till = discrimination.hand_till_auc
    return bootstrap_estimate(_of_repeats(hand_till, scores, scores.score, cases.label), draws)


def _estimate_precision(scores: ScoredCases, cases: LabelledCases, draws: PatientDraws) -> Estimate:
    if absent := cases.tells_apart.find_absent_classes(cases.label):
        return Estimate(None, reason=absent)
    if cases.positive is None:
        macro = discrimination.macro_average_precision
        return bootstrap(macro, scores.estimate, cases.label, draws)
    positive = cases.is_positive
    return bootstrap(
        discrimination.average_precision, order_across_fits(scores, cases), positive, draws
    )


def order_across_fits(scores: ScoredCases, cases: LabelledCases) -> Floats:
    """Return (repeats, n) what orders all cases of two classes, for figures that need precision.

    Precision hangs on how common the positives are above a threshold, so it has no value in single
    pairs. Of several fits the calibrated probabilities are ordered, as decisions are made by them.
    """
    return scores.score if scores.has_one_fit else scores.estimate[:, :, cases.positive]


def estimate_balanced_accuracy(
    decision: Whole, label: Whole, n_classes: int, patient: Whole
) -> Estimate:
    """Estimate the balanced accuracy of (repeats, n) decided classes.

    Its interval is put together from Wilson's of each class's share and, where patients have cases
    of several classes, from how these go together (Zou & Donner 2008, *Statistics in Medicine*
    27:1693), with Student's quantile of the rarest class. Resamples of patients hold too little
    where a class has few: 58 to 87 % of the intervals with 9 positive patients (simulated).
    """
    # The share of each class that is decided correctly.
    shares = [
        linearised.share((decision[:, side] == k).astype(np.float64), patient[side])
        for k, side in enumerate(label == k for k in range(n_classes))
    ]
    if any(not len(each.patient) for each in shares):
        return Estimate(None, reason="a class has no case")
    value = float(np.mean([each.value for each in shares]))
    # The rarest class bounds the degrees of freedom.
    rarest = min(effective_patients(each.patient) for each in shares)
    least = float(t_quantile(UPPER, max(1.0, rarest - 1)))
    bounds = np.array([each.bounds(max(least, each.variation.quantile)) for each in shares]).T
    # Patients with cases of several classes make the shares go together.
    alike = np.array([[1.0 if a is b else a.correlation(b) for a in shares] for b in shares])
    reaches = np.abs(bounds - [each.value for each in shares])
    below, above = (float(np.sqrt(max(0.0, arm @ alike @ arm))) / n_classes for arm in reaches)
    words = max((each.estimate().method.removeprefix("Wilson") for each in shares), key=len)
    method = f"from Wilson's intervals of each class{words}"
    return Estimate(value, value - below, value + above, method)


def call_positive(scores: ScoredCases, cases: LabelledCases) -> Flags | None:
    """Return (repeats, n) which cases are called positive, at each repeat's own threshold.

    A case is when its probability reaches the threshold. None with more than two classes, or where
    no threshold was fixed.
    """
    if cases.positive is None or np.isnan(scores.threshold).any():
        return None
    return np.asarray(scores.estimate[:, :, cases.positive] >= scores.threshold)


def estimate_operating_point(scores: ScoredCases, cases: LabelledCases) -> dict[str, Estimate]:
    """Estimate sensitivity and specificity at each repeat's threshold; empty with more classes."""
    if cases.positive is None:
        return {}
    sides, called = {"sensitivity": True, "specificity": False}, call_positive(scores, cases)
    if called is None:
        return dict.fromkeys(sides, NO_THRESHOLD)
    return {
        name: estimate_share_decided(called, cases, positive=side) for name, side in sides.items()
    }


def estimate_share_decided(called: Flags, cases: LabelledCases, *, positive: bool) -> Estimate:
    """Estimate the share of positive, or of negative, cases that are decided correctly.

    Args:
        called: (repeats, n) whether a case is called positive.
    """
    members = cases.is_positive == positive
    return proportion((called[:, members] == positive).astype(np.float64), cases.patient[members])


METRICS: dict[str, Estimator] = {
    "roc_auc": lambda *of: measure_auc(*of[:2]).estimate(),
    "hand_till_auc": _estimate_hand_till,
    "average_precision": _estimate_precision,
    "accuracy": lambda scores, cases, _: proportion(
        (scores.decided == cases.label).astype(np.float64), cases.patient
    ),
    "balanced_accuracy": lambda scores, cases, _: estimate_balanced_accuracy(
        scores.decided, cases.label, len(cases.classes), cases.patient
    ),
    "sensitivity": lambda *of: estimate_operating_point(*of[:2])["sensitivity"],
    "specificity": lambda *of: estimate_operating_point(*of[:2])["specificity"],
    "brier": lambda scores, cases, draws: bootstrap(
        partial(discrimination.brier, positive=cases.positive),
        scores.estimate,
        cases.label,
        draws,
    ),
}
