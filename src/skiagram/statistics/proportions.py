"""Proportions and means with intervals, widened where cases of one patient resemble each other.

`patient` (n,) is the patient of each case, numbered from 0.
"""

import numpy as np
import scipy

from skiagram.arrays import Flags, Floats, Texts, Whole
from skiagram.statistics.distributions import t_quantile
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.linearised import gained_share, share
from skiagram.statistics.score_intervals import wilson_interval
from skiagram.statistics.variation import (
    UPPER,
    degrees_of_freedom,
    is_clustered,
    variance_of_mean,
)

NEVER_VARIES = "Wilson on the patients"


def proportion(success: Floats, patient: Whole) -> Estimate:
    """Estimate a proportion with its interval by patient.

    Args:
        success: (n,) 1 or 0 a case; (repeats, n) where a case was judged once a training.
    """
    return share(np.atleast_2d(success), patient).estimate()


def mean_by_patient(
    values: Floats, patient: Texts, low: float = -np.inf, high: float = np.inf
) -> Estimate:
    """Estimate a mean with its Student interval over patients, within the figure's bounds.

    Args:
        values: (n,) a figure a case; NaN where it has none.
        patient: (n,) ids.
        low: Lower bound of the figure.
        high: Upper bound of the figure.
    """
    # Cases without the figure are left out.
    has_figure = np.isfinite(values)
    if not has_figure.any():
        return Estimate(None, reason="no case has the figure")
    value, whose = values[has_figure], np.unique(patient[has_figure], return_inverse=True)[1]
    mean, patients = float(value.mean()), int(whose.max()) + 1
    if patients < 3:
        return Estimate(mean, method="no interval: fewer than three patients")
    # A share that never varies has Wilson's interval.
    if float(np.ptp(value)) == 0 and (low, high) == (0.0, 1.0) and mean in (0.0, 1.0):
        below, above = wilson_interval(mean, patients)
        return Estimate(mean, below, above, NEVER_VARIES)
    # Else Student's interval over patients.
    degrees = min(degrees_of_freedom(whose), patients - 1)
    half_width = float(t_quantile(UPPER, degrees)) * float(np.sqrt(variance_of_mean(value, whose)))
    return Estimate(
        mean, max(low, mean - half_width), min(high, mean + half_width), "Student’s t over patients"
    )


def predictive_value_at_prevalence(
    correct: Floats,
    in_class: Flags,
    patient: Whole,
    prevalence: float,
) -> Estimate:
    """Estimate the predictive value of a class at a stated prevalence by Bayes' theorem.

    Intervals are made on the logit by the delta method, by patient (Mercaldo, Lau & Zhou 2007,
    *Statistics in Medicine* 26:2170, eqs. 8–11, there for independent cases and without the n / (n
    − 1) of a variance). Where patients have several cases, either side is at least as long as
    sensitivity's and specificity's own intervals make it: few patients decide. Where sensitivity or
    specificity is 0 or 1, the bounds are those that their Wilson bounds give, which is wider.

    Args:
        correct: (n,) share of repeats in which a case is decided correctly.
        in_class: (n,) whether a case is of the class.
        patient: (n,) from 0.
        prevalence: Share of the class, in (0, 1).
    """
    if in_class.all() or not in_class.any():
        return Estimate(None, reason="a class has no case")
    # Rates of the decision among those of the class and among the others.
    hit, miss = float(correct[in_class].mean()), 1 - float(correct[~in_class].mean())
    if hit == 0 and miss == 0:
        return Estimate(None, reason="no case got this decision")
    value = _bayes(hit, miss, prevalence)
    # A rate of 0 or 1 has no spread: Wilson's bounds of both rates are put through Bayes' theorem.
    if not (0 < hit < 1 and 0 < miss < 1):
        hits, rejections = (
            wilson_interval(
                float(correct[side].mean()),
                share(correct[side][None], patient[side]).effective_sample_size,
            )
            for side in (in_class, ~in_class)
        )
        low, high = (_bayes(hits[k], 1 - rejections[k], prevalence) for k in (0, 1))
        return Estimate(value, low, high, "from Wilson bounds of sensitivity and specificity")
    # Else the log odds are linear in both rates, each with its own cases.
    influence = np.where(in_class, correct - hit, correct - (1 - miss))
    influence /= np.where(in_class, in_class.sum() * hit, (~in_class).sum() * miss)
    # A sum over cases varies over patients as n times their mean.
    variation = gained_share(len(influence) * influence[None], patient).variation
    half_width = variation.half_width * np.sqrt(1 - 1 / len(np.unique(patient)))
    below, above = half_width, half_width
    if is_clustered(patient):
        # The arms of the log of the likelihood ratio, put together from Wilson's intervals of the
        # logs of sensitivity and 1 − specificity (Zou & Donner 2008, *Stat. Med.* 27:1693).
        estimates = (proportion(correct[side], patient[side]) for side in (in_class, ~in_class))
        (sensitivity, low, high), (specificity, least, most) = (
            np.clip([each.value, each.low, each.high], 1e-9, 1 - 1e-9) for each in estimates
        )
        down = np.hypot(np.log(sensitivity / low), np.log((1 - least) / (1 - specificity)))
        up = np.hypot(np.log(high / sensitivity), np.log((1 - specificity) / (1 - most)))
        below, above = max(half_width, float(down)), max(half_width, float(up))
    odds = scipy.special.logit(value)
    low, high = scipy.special.expit(odds - below), scipy.special.expit(odds + above)
    return Estimate(value, float(low), float(high), "delta method on the logit, by patient")


def _bayes(hit: float, miss: float, prevalence: float) -> float:
    """Compute the share of the class among cases that are called so; 1 where none is called.

    Args:
        hit: Share of the class that is called so.
        miss: Share of all others that is called so.
        prevalence: Share of the class.
    """
    called = hit * prevalence + miss * (1 - prevalence)
    return hit * prevalence / called if called > 0 else 1.0
