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
from skiagram.evaluation.compared_model import ComparedModel
from skiagram.statistics import discrimination, linearised
from skiagram.statistics.bootstrap import (
    OF_A_SHARE,
    MeanOverRepeats,
    PatientDraws,
    bootstrap_estimate,
)
from skiagram.statistics.delong import auc_of_scores
from skiagram.statistics.distributions import t_quantile
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.proportions import proportion
from skiagram.statistics.variation import UPPER, degrees_of_freedom, effective_patients
from skiagram.tasks.classes import CLASS_FIGURE, has_pairs
from skiagram.tasks.predicted import Predicted

Statistic = Callable[[NDArray[Any], NDArray[Any], Floats], Floats]
NO_THRESHOLD = Estimate(None, reason="no threshold was fixed on out-of-fold scores")
Estimator = Callable[[ComparedModel, PatientDraws], Estimate]


def estimate_metrics(
    model: ComparedModel, draws: PatientDraws, names: Sequence[str] | None = None
) -> dict[str, Estimate]:
    """Estimate every metric of the task, or some; a mean over repeats where there are several.

    Args:
        model: On the reported cases.
        draws: Resamples of their patients.
        names: Of `METRICS`; None for all that the number of classes has.
    """
    names = [*list_estimators(model.predicted)] if names is None else names
    return {name: estimate_metric(name, model, draws) for name in names}


def estimate_metric(name: str, model: ComparedModel, draws: PatientDraws) -> Estimate:
    """Estimate one metric by its name.

    Raises:
        OptionError: The task has no metric of this name.
    """
    estimators = list_estimators(model.predicted)
    if name not in estimators:
        metrics = ", ".join(estimators)
        raise refusal("evaluation.other_metric", name, metrics=metrics)
    return estimators[name](model, draws)


def list_estimators(predicted: Predicted) -> dict[str, Estimator]:
    """List the metrics of two classes, or of more, and how each is estimated."""
    other = "more than two" if predicted.positive is not None else "two"
    return {
        name: estimate for name, estimate in METRICS.items() if CLASS_FIGURE[name].classes != other
    }


def resample_auc(model: ComparedModel, draws: PatientDraws) -> Floats:
    """Compute the AUC on resamples of patients, the mean over repeats.

    Returns:
        (replicates,); NaN where a resample lacks a class.
    """
    # Cases are ordered within the fits of each repeat: scores of two fits share no scale.
    scores = model.scored
    ranking: Callable[..., Floats] = discrimination.roc_auc
    truth: NDArray[Any] = model.is_positive
    if model.predicted.positive is None:
        ranking, truth = discrimination.one_vs_rest_auc, scores.label
    repeats = zip(scores.score, scores.fits, strict=True)
    metric = MeanOverRepeats([partial(ranking, score, truth, fit=fit) for score, fit in repeats])
    return np.concatenate([metric(weights) for weights in draws.weights()])


def estimate_class_auc(model: ComparedModel) -> tuple[Estimate, ...]:
    """Estimate the AUC of each class against all others, by its probability; empty for two."""
    if model.predicted.positive is not None:
        return ()
    # Each class against all others; a class without pairs has none.
    scores, areas = model.scored, []
    for k in range(len(model.predicted.classes)):
        positive = scores.label == k
        if has_pairs(scores, positive):
            probability = scores.estimate[:, :, k]
            area = auc_of_scores(probability, positive, scores.patient, scores.folds, scores.fit)
            areas.append(area.estimate())
        else:
            areas.append(Estimate(None, reason=model.tells_apart.find_missing_pairs(scores)))
    return tuple(areas)


def bootstrap(
    statistic: Statistic,
    values: NDArray[Any],
    truth: NDArray[Any],
    draws: PatientDraws,
    *,
    limits: tuple[float, float] = OF_A_SHARE,
) -> Estimate:
    """Estimate the mean over repeats of a statistic, by resamples of patients.

    Args:
        statistic: Of values, truth and weights of cases.
        values: (repeats, n, …).
        truth: (n,).
        draws: Of the patients.
        limits: The least and the largest value that it, and its interval, can have.
    """
    repeats = [partial(statistic, repeat_values, truth) for repeat_values in values]
    return bootstrap_estimate(MeanOverRepeats(repeats), draws, limits=limits)


def _estimate_precision(model: ComparedModel, draws: PatientDraws) -> Estimate:
    """Estimate the average precision; of more than two classes the mean over them."""
    scores = model.scored
    if absent := model.tells_apart.find_absent_classes(scores.label):
        return Estimate(None, reason=absent)
    if model.predicted.positive is None:
        macro = discrimination.macro_average_precision
        return bootstrap(macro, scores.estimate, scores.label, draws)
    precision = discrimination.average_precision
    return bootstrap(precision, order_across_fits(model), model.is_positive, draws)


def estimate_brier(
    probability: Floats, label: Whole, positive: int | None, draws: PatientDraws
) -> Estimate:
    """Estimate the Brier score of (repeats, n, n_classes) probabilities.

    Of more than two classes it is a mean over all cases, whose patients all tell of its variance,
    and may be as large as 2.
    """
    statistic = partial(discrimination.brier, positive=positive)
    if positive is not None:
        return bootstrap(statistic, probability, label, draws)
    of_all = replace(draws, degrees=degrees_of_freedom(draws.patient))
    return bootstrap(statistic, probability, label, of_all, limits=(0.0, 2.0))


def order_across_fits(model: ComparedModel) -> Floats:
    """Return (repeats, n) what orders all cases of two classes, for figures that need precision.

    Precision hangs on how common the positives are above a threshold, so it has no value in single
    pairs. Of several fits the calibrated probabilities are ordered, as decisions are made by them.
    """
    return model.scored.score if model.scored.has_one_fit else model.probability


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


def call_positive(model: ComparedModel) -> Flags | None:
    """Return (repeats, n) which cases are called positive, at each repeat's own threshold.

    A case is when its probability reaches the threshold. None with more than two classes, or where
    no threshold was fixed.
    """
    threshold = model.scored.threshold
    if model.predicted.positive is None or np.isnan(threshold).any():
        return None
    return np.asarray(model.probability >= threshold)


def estimate_operating_point(model: ComparedModel) -> dict[str, Estimate]:
    """Estimate sensitivity and specificity at each repeat's threshold; empty with more classes.

    The threshold was fixed on held-out scores of the development set, so both are of decisions that
    no test label entered.
    """
    if model.predicted.positive is None:
        return {}
    sides, called = {"sensitivity": True, "specificity": False}, call_positive(model)
    if called is None:
        return dict.fromkeys(sides, NO_THRESHOLD)
    return {
        name: estimate_share_decided(called, model, positive=side) for name, side in sides.items()
    }


def estimate_share_decided(called: Flags, model: ComparedModel, *, positive: bool) -> Estimate:
    """Estimate the share of positive, or of negative, cases that are decided correctly.

    Args:
        called: (repeats, n) whether a case is called positive.
    """
    members = model.is_positive == positive
    right = (called[:, members] == positive).astype(np.float64)
    return proportion(right, model.scored.patient[members])


METRICS: dict[str, Estimator] = {
    "roc_auc": lambda model, _: model.estimate(),
    "average_precision": _estimate_precision,
    "accuracy": lambda model, _: proportion(
        (model.scored.decided == model.scored.label).astype(np.float64), model.scored.patient
    ),
    "balanced_accuracy": lambda model, _: estimate_balanced_accuracy(
        model.scored.decided,
        model.scored.label,
        len(model.predicted.classes),
        model.scored.patient,
    ),
    "sensitivity": lambda model, _: estimate_operating_point(model)["sensitivity"],
    "specificity": lambda model, _: estimate_operating_point(model)["specificity"],
    "brier": lambda model, draws: estimate_brier(
        model.scored.estimate, model.scored.label, model.predicted.positive, draws
    ),
}
