"""What the best network is worth to patients, against the best classical model, on the same cases.

Sensitivity, specificity and net benefit are shares of cases that the two decide differently; their
differences are paired by case, and their intervals are by patient.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit, logit

from skiagram.evaluation.estimation import absent_classes
from skiagram.evaluation.evaluation_record import ClinicalUtility, NetBenefitGain
from skiagram.evaluation.labelled_cases import LabelledCases
from skiagram.evaluation.proportions import Z
from skiagram.evaluation.results import Estimate
from skiagram.evaluation.scores import Scores
from skiagram.evaluation.variation import (
    Variation,
    covariance_of_means,
    degrees_of_freedom,
    effective_patients,
    over_folds,
    over_trainings,
    variance_of_mean,
)

PER = 1000
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Patients = NDArray[np.int64]
_TWO_CLASSES = Estimate(None, reason="defined for two classes")


def assess_clinical_utility(
    network: Scores,
    classical: Scores,
    cases: LabelledCases,
    development: LabelledCases,
    thresholds: Sequence[float],
    prevalence: float | None,
) -> ClinicalUtility:
    """Compare what stands for the two arms by the decisions that they lead to.

    Args:
        network: Scores of the best network on the reported cases.
        classical: Scores of the best classical model on them.
        cases: The reported cases.
        development: The cases that probabilities were calibrated on.
        thresholds: Probabilities from which a clinician would act, in (0, 1).
        prevalence: Share of positives where the models would be used; None: that of `cases`.
    """
    brier = estimate_brier_difference(network, classical, cases)
    if cases.positive is None:
        differences = {"sensitivity": _TWO_CLASSES, "specificity": _TWO_CLASSES, "brier": brier}
        return ClinicalUtility(None, differences, ())
    differences = {**_at_operating_threshold(network, classical, cases), "brier": brier}
    positive = cases.label == cases.positive
    share = float(positive.mean()) if prevalence is None else prevalence
    if 0 in cases.patients_by_class():
        missing = Estimate(None, reason=absent_classes(cases))
        gains = [
            NetBenefitGain(threshold, None, None, None, None, missing) for threshold in thresholds
        ]
        return ClinicalUtility(share, differences, tuple(gains))
    own = None if prevalence is None else float(np.mean(development.label == cases.positive))
    return ClinicalUtility(
        share,
        differences,
        tuple(
            _net_benefit_gain(network, classical, cases, threshold, share, own)
            for threshold in thresholds
        ),
    )


def _at_operating_threshold(
    network: Scores, classical: Scores, cases: LabelledCases
) -> dict[str, Estimate]:
    names = ("sensitivity", "specificity")
    if np.isnan(network.threshold).any() or np.isnan(classical.threshold).any():
        reason = "no threshold was fixed on out-of-fold scores"
        return dict.fromkeys(names, Estimate(None, reason=reason))
    called, other = (
        scores.probability[:, :, cases.positive] >= scores.threshold
        for scores in (network, classical)
    )
    positive, folds = cases.label == cases.positive, max(network.folds, classical.folds)
    correct = paired_difference(called == positive, other == positive)
    return {
        name: estimate_difference_of_shares(correct[:, rows], cases.patient[rows], folds)
        for name, rows in zip(names, (positive, ~positive), strict=True)
    }


def paired_difference(values: NDArray[np.generic], others: NDArray[np.generic]) -> Floats:
    """Return (repeats, n) values of one model minus those of another, training by training.

    Where both were trained several times, but not equally often, the trainings of each are averaged
    first.

    Args:
        values: (repeats, n).
        others: (repeats or 1, n), or the other way round.
    """
    first, second = np.asarray(values, dtype=np.float64), np.asarray(others, dtype=np.float64)
    if len({len(first), len(second)} - {1}) > 1:
        first, second = first.mean(axis=0, keepdims=True), second.mean(axis=0, keepdims=True)
    difference: Floats = first - second
    return difference


def vary_mean(value: Floats, patient: Patients, folds: int = 0) -> Variation:
    """Return how much the mean of case values varies over patients and trainings.

    Args:
        value: (repeats, n).
        patient: (n,) patient of each case.
        folds: Fits of each repeat, whose training sets overlap; 0 where one fit made all values.
    """
    degrees = degrees_of_freedom(patient)
    if len(np.unique(patient)) < 2:
        return Variation(0.0, degrees)
    if folds:
        of_one = float(np.mean([variance_of_mean(repeat, patient) for repeat in value]))
        return over_folds(of_one, degrees, folds, len(value))
    return over_trainings(
        variance_of_mean(value.mean(axis=0), patient), degrees, value.mean(axis=1)
    )


def tango_interval(
    gained: float, lost: float, n: float, quantile: float = Z
) -> tuple[float, float]:
    """Return the 95 % score interval of a difference of paired proportions.

    Tango (1998, *Statistics in Medicine* 17:891, eqs. 18-20). Where the two never differ it is
    ± z² / (n + z²), not a point.

    Args:
        gained: Pairs where the first alone is right; need not be whole.
        lost: Pairs where the other alone is right.
        n: Independent pairs, > 0.
        quantile: Standard errors to each side.
    """
    share = (gained - lost) / n

    def excess(difference: float, side: float) -> float:
        half = lost + gained - (2 * n - gained + lost) * difference
        root = np.sqrt(half**2 + 8 * n * lost * difference * (1 - difference))
        variance = (root + half) / (2 * n) + difference * (1 - difference)
        return float(n * (share - difference) + side * quantile * np.sqrt(n * max(0.0, variance)))

    def bound(end: float, side: float) -> float:
        near = share + side * 1e-12
        if abs(share - end) < 1e-9 or excess(end, side) * excess(near, side) >= 0:
            return end
        return float(brentq(excess, min(end, near), max(end, near), args=(side,), xtol=1e-12))

    return bound(-1.0, -1.0), bound(1.0, 1.0)


def estimate_difference_of_shares(difference: Floats, patient: Patients, folds: int) -> Estimate:
    """Estimate by how much a share of cases differs between two models.

    Tango's interval on as many independent pairs as hold the information of the clustered ones: the
    number of cases over the design effect (Rao & Scott 1992), trainings included; where no case
    is decided differently, the effective number of patients.

    Args:
        difference: (repeats, n) 1, 0 or −1, or means of these.
        patient: (n,) patient of each case.
        folds: As in `vary_mean`.
    """
    n = len(patient)
    if n == 0:
        return Estimate(None, reason="no case to estimate it from")
    value = float(difference.mean())
    gained, lost = (float(np.maximum(side * difference, 0).mean()) for side in (1, -1))
    variation = vary_mean(difference, patient, folds)
    independent = (gained + lost - value**2) / max(n - 1, 1)
    if variation.variance > 0 and independent > 0:
        size = n / max(variation.variance / independent, 1.0)
    else:
        size = effective_patients(patient)
    low, high = tango_interval(gained * size, lost * size, size, variation.quantile)
    return Estimate(value, low, high, f"paired score interval by patient{variation.words}")


def estimate_brier_difference(network: Scores, classical: Scores, cases: LabelledCases) -> Estimate:
    """Estimate the Brier score of one model minus that of another; below 0 the first is better."""
    loss = paired_difference(_squared_error(network, cases), _squared_error(classical, cases))
    if not loss.any():
        return Estimate(0.0, 0.0, 0.0, "the two give the same probabilities")
    value = float(loss.mean())
    variation = vary_mean(loss, cases.patient, max(network.folds, classical.folds))
    if not variation.variance > 0:
        return Estimate(value, method="no interval: a single patient")
    method = f"paired standard error by patient{variation.words}"
    return Estimate(value, value - variation.half, value + variation.half, method)


def _squared_error(scores: Scores, cases: LabelledCases) -> Floats:
    """Return (repeats, n) the part of each case in the Brier score."""
    if cases.positive is not None:
        truth = cases.label == cases.positive
        error: Floats = (scores.probability[:, :, cases.positive] - truth) ** 2
        return error
    several: Floats = ((scores.probability - np.eye(len(cases.classes))[cases.label]) ** 2).sum(2)
    return several


def threshold_on_own_probability(threshold: float, prevalence: float, own: float | None) -> float:
    """Return the probability, as a model gives it, that means a risk at another prevalence.

    A model calibrated at one share of positives gives other risks elsewhere: the log-odds move by
    the log-odds of the two shares (Elkan 2001, *The foundations of cost-sensitive learning*,
    theorem 2).

    Args:
        threshold: Risk from which one acts.
        prevalence: Share of positives where one acts.
        own: Share of positives that the model was calibrated at; None where it is to stay.
    """
    if own is None or not 0 < own < 1:
        return threshold
    return float(expit(logit(threshold) - logit(prevalence) + logit(own)))


def _net_benefit_gain(
    network: Scores,
    classical: Scores,
    cases: LabelledCases,
    threshold: float,
    prevalence: float,
    own: float | None,
) -> NetBenefitGain:
    """Return the net benefit of both at one threshold.

    Prevalence · sensitivity − (1 − prevalence) · (1 − specificity) · t / (1 − t), which weighs the
    classes by their share where the models would be used (Vickers & Elkin 2006, *Medical Decision
    Making* 26:565; Vickers, Van Calster & Steyerberg 2016, *BMJ* 352:i6). The interval of the
    difference joins those of sensitivity and specificity (method of variance estimates recovery;
    Zou & Donner 2008, *Statistics in Medicine* 27:1693).
    """
    limit = threshold_on_own_probability(threshold, prevalence, own)
    acted = [scores.probability[:, :, cases.positive] >= limit for scores in (network, classical)]
    positive, harm = cases.label == cases.positive, threshold / (1 - threshold)
    weights = prevalence, (1 - prevalence) * harm

    def worth(called: Flags) -> float:
        hit, false_alarm = called[:, positive].mean(), called[:, ~positive].mean()
        return float(PER * (weights[0] * hit - weights[1] * false_alarm))

    correct = paired_difference(acted[0] == positive, acted[1] == positive)
    of_all = PER * (weights[0] - weights[1])
    gain = join_classes(
        correct, positive, cases.patient, weights, max(network.folds, classical.folds)
    )
    return NetBenefitGain(threshold, limit, worth(acted[0]), worth(acted[1]), of_all, gain)


def join_classes(
    correct: Floats, positive: Flags, patient: Patients, weights: tuple[float, float], folds: int
) -> Estimate:
    """Estimate a weighed sum of the differences in sensitivity and in specificity, per 1,000.

    Args:
        correct: (repeats, n) whether one model decides a case correctly, minus the other.
        positive: (n,) true class.
        patient: (n,) patient of each case.
        weights: Of the difference in sensitivity and of that in specificity.
        folds: As in `vary_mean`.
    """
    sides = positive, ~positive
    parts = [
        estimate_difference_of_shares(correct[:, rows], patient[rows], folds) for rows in sides
    ]
    values, lows, highs = (
        np.array([getattr(part, name) for part in parts]) * weights
        for name in ("value", "low", "high")
    )
    correlation = _correlation(correct, positive, patient)
    reach = [
        float(np.sqrt(max(0.0, (arm**2).sum() + 2 * correlation * arm.prod())))
        for arm in (values - lows, highs - values)
    ]
    total = float(values.sum())
    low, high = total - reach[0], total + reach[1]
    return Estimate(PER * total, PER * low, PER * high, parts[0].method)


def _correlation(correct: Floats, positive: Flags, patient: Patients) -> float:
    """Return that of the two differences, over patients who have cases of both classes."""
    own, other = patient[positive], patient[~positive]
    if not np.isin(own, other).any() or min(len(np.unique(own)), len(np.unique(other))) < 2:
        return 0.0
    mean = correct.mean(axis=0)
    first, second = mean[positive], mean[~positive]
    spread = np.sqrt(variance_of_mean(first, own) * variance_of_mean(second, other))
    if not spread > 0:
        return 0.0
    return float(np.clip(covariance_of_means(first, own, second, other) / spread, -1, 1))
