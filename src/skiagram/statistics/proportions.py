"""Proportions with their intervals, widened where cases of one patient resemble each other.

`patient` (n,) is the patient of each case, numbered from 0; `folds` the fits of each repeat, whose
training sets overlap, 0 where one fit scored all cases.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from skiagram.statistics.estimate import Estimate
from skiagram.statistics.variation import (
    Variation,
    Z,
    degrees_of_freedom,
    effective_patients,
    is_clustered,
    over_folds,
    over_trainings,
    variance_of_mean,
)

Floats = NDArray[np.float64]
Patients = NDArray[np.int64]


def wilson_interval(proportion: float, n: float, quantile: float = Z) -> tuple[float, float]:
    """Return the 95 % score interval of Wilson (1927)."""
    z = quantile
    centre = (proportion + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(proportion * (1 - proportion) / n + z**2 / (4 * n**2))
    low = 0.0 if proportion == 0 else float(centre - half)
    high = 1.0 if proportion == 1 else float(centre + half)
    return low, high


def join_with_wilson(
    interval: tuple[float, float], value: float, variance: float, most: float, quantile: float
) -> tuple[float, float]:
    """Return an interval of a share or an AUC, lengthened where its variance is too small.

    A variance v says as much as θ (1 − θ) / v independent cases. Where a sample happens to hold
    next to no error, that is more than its patients can say; then the interval reaches at least as
    far as Wilson's on the most cases that they can stand for. Below that it stays as it is.

    Args:
        value: θ, in (0, 1).
        most: Cases.
    """
    if not is_capped(value, variance, most):
        return interval
    low, high = wilson_interval(value, most, quantile)
    return min(interval[0], low), max(interval[1], high)


def is_capped(value: float, variance: float, most: float) -> bool:
    """Return whether a variance says more than the most independent cases."""
    return variance * most < value * (1 - value)


def effective_size(success: NDArray[np.float64], patient: NDArray[np.int64]) -> float:
    """Return how many independent cases hold the information of clustered ones.

    The number of cases over the design effect: the variance over patients and trainings against
    that of as many independent cases (Rao & Scott 1992). It is never more than the number of
    cases; where all cases agree no variance can be seen and it is the effective number of patients.

    Args:
        success: (n,) or (repeats, n), in [0, 1].
    """
    return size_and_variation(np.atleast_2d(success), patient)[0]


def size_and_variation(
    success: NDArray[np.float64], patient: NDArray[np.int64]
) -> tuple[float, Variation]:
    """Return what `effective_size` does, and the variation over patients and trainings.

    Args:
        success: (repeats, n), in [0, 1].
    """
    n, mean = len(patient), success.mean(axis=0)
    value = float(mean.mean())
    degrees = degrees_of_freedom(patient)
    independent = value * (1 - value) / max(n - 1, 1)
    if len(np.unique(patient)) < 2 or independent <= 0:
        return effective_patients(patient), Variation(0.0, degrees)
    over_patients = variance_of_mean(mean, patient)
    variation = over_trainings(over_patients, degrees, success.mean(axis=1))
    return n / max(variation.variance / independent, 1.0), variation


def proportion(success: NDArray[np.float64], patient: NDArray[np.int64]) -> Estimate:
    """Estimate a proportion with its interval by patient.

    Args:
        success: (n,) 1 or 0 a case; (repeats, n) where a case was judged once a training.
    """
    if len(patient) == 0:
        return Estimate(None, reason="no case to estimate it from")
    judged = np.atleast_2d(success)
    value = float(judged.mean())
    size, variation = size_and_variation(judged, patient)
    low, high = wilson_interval(value, size, variation.quantile)
    by_patient = ", by patient" if is_clustered(patient) else ""
    return Estimate(value, low, high, f"Wilson{by_patient}{variation.words}")


def predictive_value_at_prevalence(
    correct: NDArray[np.float64],
    of_class: NDArray[np.bool_],
    patient: NDArray[np.int64],
    prevalence: float,
) -> Estimate:
    """Estimate the predictive value of a class at a stated prevalence by Bayes' theorem.

    Intervals are made on the logit by the delta method, by patient (Mercaldo, Lau & Zhou 2007,
    *Statistics in Medicine* 26:2170, eqs. 8–11, there for independent cases and without the
    n / (n − 1) of a variance). Where patients have several cases, either side is at least as long
    as sensitivity's and specificity's own intervals make it: few patients decide. Where sensitivity
    or specificity is 0 or 1, the bounds are those that their Wilson bounds give, which is wider.

    Args:
        correct: (n,) share of repeats in which a case is decided correctly.
        of_class: (n,) whether a case is of the class.
        prevalence: Share of the class, in (0, 1).
    """
    if of_class.all() or not of_class.any():
        return Estimate(None, reason="a class has no case")
    hit, miss = float(correct[of_class].mean()), 1 - float(correct[~of_class].mean())
    if hit == 0 and miss == 0:
        return Estimate(None, reason="no case got this decision")
    value = _bayes(hit, miss, prevalence)
    if not (0 < hit < 1 and 0 < miss < 1):
        hits, rejections = (
            wilson_interval(
                float(correct[side].mean()), effective_size(correct[side], patient[side])
            )
            for side in (of_class, ~of_class)
        )
        low, high = (_bayes(hits[k], 1 - rejections[k], prevalence) for k in (0, 1))
        return Estimate(value, low, high, "from Wilson bounds of sensitivity and specificity")
    influence = np.where(of_class, correct - hit, correct - (1 - miss))
    influence /= np.where(of_class, of_class.sum() * hit, (~of_class).sum() * miss)
    half = vary_sum(influence, patient).half * np.sqrt(1 - 1 / len(np.unique(patient)))
    below, above = half, half
    if is_clustered(patient):
        arms = _arms_of_likelihood_ratio(correct, of_class, patient)
        below, above = max(half, arms[0]), max(half, arms[1])
    low, high = expit(logit(value) - below), expit(logit(value) + above)
    return Estimate(value, float(low), float(high), "delta method on the logit, by patient")


def _arms_of_likelihood_ratio(
    correct: NDArray[np.float64], of_class: NDArray[np.bool_], patient: NDArray[np.int64]
) -> tuple[float, float]:
    """Return how far the log of a decision's likelihood ratio reaches down and up.

    Put together from Wilson's intervals of the logs of sensitivity and 1 − specificity (Zou &
    Donner 2008, *Statistics in Medicine* 27:1693).
    """
    hit, rejected = (proportion(correct[side], patient[side]) for side in (of_class, ~of_class))
    (value, low, high), (rejection, least, most) = (
        np.clip([each.value, each.low, each.high], 1e-9, 1 - 1e-9) for each in (hit, rejected)
    )
    below = np.hypot(np.log(value / low), np.log((1 - least) / (1 - rejection)))
    above = np.hypot(np.log(high / value), np.log((1 - rejection) / (1 - most)))
    return float(below), float(above)


def _bayes(hit: float, miss: float, prevalence: float) -> float:
    called = hit * prevalence + miss * (1 - prevalence)
    return hit * prevalence / called if called > 0 else 1.0


def vary_mean(value: Floats, patient: Patients, folds: int = 0) -> Variation:
    """Return how much the mean of case values varies over patients and trainings.

    Args:
        value: (repeats, n).
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


def vary_sum(influence: Floats, patient: Patients) -> Variation:
    """Return how much a figure varies over patients, by the influence of each case on it.

    Args:
        influence: (n,) what leaving the case out would change, which sums to 0.
    """
    return vary_mean(len(influence) * influence[None], patient)


def tango_interval(
    gained: float, lost: float, n: float, quantile: float = Z
) -> tuple[float, float]:
    """Return the 95 % score interval of a difference of paired proportions.

    Tango (1998, *Statistics in Medicine* 17:891, eqs. 18-20). Where the two never differ it is
    ± z² / (n + z²), not a point.

    Args:
        n: Independent pairs, > 0.
    """
    from scipy.optimize import brentq  # slow to import: readers of an evaluation do without

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
