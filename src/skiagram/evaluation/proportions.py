"""Proportions with their intervals, widened where cases of one patient resemble each other."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from skiagram.evaluation.results import Estimate
from skiagram.evaluation.variation import (
    Variation,
    degrees_of_freedom,
    effective_patients,
    is_clustered,
    over_trainings,
    variance_of_mean,
)

Z = 1.959963984540054


def wilson_interval(proportion: float, n: float, quantile: float = Z) -> tuple[float, float]:
    """Return the 95 % score interval of Wilson (1927).

    Args:
        proportion: In [0, 1].
        n: Number of independent observations, > 0; need not be whole.
        quantile: Standard errors to each side; another than the normal one where the variance is
            known from few patients.
    """
    z = quantile
    centre = (proportion + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(proportion * (1 - proportion) / n + z**2 / (4 * n**2))
    low = 0.0 if proportion == 0 else float(centre - half)
    high = 1.0 if proportion == 1 else float(centre + half)
    return low, high


def effective_size(success: NDArray[np.float64], patient: NDArray[np.int64]) -> float:
    """Return how many independent cases hold the information of clustered ones.

    The number of cases over the design effect: the variance over patients and trainings against
    that of as many independent cases (Rao & Scott 1992). It is never more than the number of
    cases; where all cases agree no variance can be seen and it is the effective number of patients.

    Args:
        success: (n,) or (repeats, n), in [0, 1].
        patient: (n,) patients numbered from 0.
    """
    return size_and_variation(np.atleast_2d(success), patient)[0]


def size_and_variation(
    success: NDArray[np.float64], patient: NDArray[np.int64]
) -> tuple[float, Variation]:
    """Return what `effective_size` does, and the variation over patients and trainings.

    Args:
        success: (repeats, n), in [0, 1].
        patient: (n,) patients numbered from 0.
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
        patient: (n,) patients numbered from 0.
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
    own: NDArray[np.bool_],
    patient: NDArray[np.int64],
    prevalence: float,
) -> Estimate:
    """Estimate the predictive value of a class at a stated prevalence by Bayes' theorem.

    Intervals are made on the logit by the delta method, by patient (Mercaldo, Lau & Zhou 2007,
    *Statistics in Medicine* 26:2170, eqs. 8–11, there for independent cases). Where sensitivity or
    specificity is 0 or 1, the bounds are those that their Wilson bounds give, which is wider.

    Args:
        correct: (n,) share of repeats in which a case is decided correctly.
        own: (n,) whether a case is of the class.
        patient: (n,) patients numbered from 0.
        prevalence: Share of the class, in (0, 1).
    """
    if own.all() or not own.any():
        return Estimate(None, reason="a class has no case")
    hit, miss = float(correct[own].mean()), 1 - float(correct[~own].mean())
    if hit == 0 and miss == 0:
        return Estimate(None, reason="no case got this decision")
    value = _bayes(hit, miss, prevalence)
    if not (0 < hit < 1 and 0 < miss < 1):
        hits, rejections = (
            wilson_interval(
                float(correct[side].mean()), effective_size(correct[side], patient[side])
            )
            for side in (own, ~own)
        )
        low, high = (_bayes(hits[k], 1 - rejections[k], prevalence) for k in (0, 1))
        return Estimate(value, low, high, "from Wilson bounds of sensitivity and specificity")
    influence = np.where(own, correct - hit, correct - (1 - miss))
    influence /= np.where(own, own.sum() * hit, (~own).sum() * miss)
    spread = float(np.sqrt((np.bincount(patient, weights=influence) ** 2).sum()))
    low, high = expit(logit(value) - Z * spread), expit(logit(value) + Z * spread)
    return Estimate(value, float(low), float(high), "delta method on the logit, by patient")


def _bayes(hit: float, miss: float, prevalence: float) -> float:
    called = hit * prevalence + miss * (1 - prevalence)
    return hit * prevalence / called if called > 0 else 1.0
