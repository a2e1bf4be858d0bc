"""Predictive values where the condition is rarer or commoner than among the reported cases."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from skiagram.evaluation.proportions import Z, effective_size, wilson_interval
from skiagram.evaluation.results import Estimate

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def at_prevalence(
    right: Floats, positive: Flags, patient: NDArray[np.int64], prevalence: float
) -> dict[str, Estimate]:
    """Estimate predictive values at a stated prevalence by Bayes' theorem.

    Intervals are made on the logit by the delta method, by patient (Mercaldo, Lau & Zhou 2007,
    *Statistics in Medicine* 26:2170, eqs. 8–11, there for independent cases). Where sensitivity or
    specificity is 0 or 1, the bounds are those that their Wilson bounds give, which is wider.

    Args:
        right: (n,) share of repeats in which a case is decided rightly.
        positive: (n,) true class.
        patient: (n,) patients numbered from 0.
        prevalence: Share of positives, in (0, 1).
    """
    names = ("positive_predictive_value_at_prevalence", "negative_predictive_value_at_prevalence")
    if positive.all() or not positive.any():
        return dict.fromkeys(names, Estimate(None, reason="a class has no case"))
    return {
        names[0]: _predictive(right, positive, patient, prevalence),
        names[1]: _predictive(right, ~positive, patient, 1 - prevalence),
    }


def _predictive(right: Floats, own: Flags, patient: NDArray[np.int64], share: float) -> Estimate:
    """Estimate the share of own cases among those called own; `own` cases are a `share` of all."""
    hit, miss = float(right[own].mean()), 1 - float(right[~own].mean())
    if hit == 0 and miss == 0:
        return Estimate(None, reason="no case was called so")
    value = _bayes(hit, miss, share)
    if not (0 < hit < 1 and 0 < miss < 1):
        bounds = [
            wilson_interval(float(right[side].mean()), effective_size(right[side], patient[side]))
            for side in (own, ~own)
        ]
        low, high = (_bayes(bounds[0][k], 1 - bounds[1][k], share) for k in (0, 1))
        return Estimate(value, low, high, "from Wilson bounds of sensitivity and specificity")
    moved = np.where(own, right - hit, right - (1 - miss))
    moved /= np.where(own, own.sum() * hit, (~own).sum() * miss)
    spread = float(np.sqrt((np.bincount(patient, weights=moved) ** 2).sum()))
    low, high = expit(logit(value) - Z * spread), expit(logit(value) + Z * spread)
    return Estimate(value, float(low), float(high), "delta method on the logit, by patient")


def _bayes(hit: float, miss: float, share: float) -> float:
    called = hit * share + miss * (1 - share)
    return hit * share / called if called > 0 else 1.0
