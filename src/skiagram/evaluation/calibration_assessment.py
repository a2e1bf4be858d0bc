"""Whether probabilities mean what they say, and what deciding by them is worth.

`probability` is (repeats, n) of the positive class, `positive` (n,) the true class, `patient` (n,)
patients numbered from 0.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit, logit

from skiagram.arrays import Flags, Floats, Whole
from skiagram.evaluation.compared_model import ComparedModel
from skiagram.evaluation.results import DecisionCurve, Named
from skiagram.statistics.bootstrap import LEVELS, PatientDraws
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.linearised import gained_share
from skiagram.statistics.proportions import proportion
from skiagram.statistics.variation import effective_patients

MAX_BINS = 10
CASES_PER_BIN = 20


def reliability_curve(probability: Floats, true: Flags, patient: Whole) -> Iterator[Named]:
    """Yield observed shares by mean probability, the group, in bins of equal numbers of cases.

    At most ten bins, each of about twenty cases or more; equal probabilities share a bin. Repeats
    are further looks at the same patients: they narrow no interval.

    Args:
        probability: (repeats, n).
        true: (repeats, n) whether what the probability speaks of is so.
    """
    # As many bins as there are cases for, of about equal numbers.
    bins = int(np.clip(probability.shape[1] // CASES_PER_BIN, 1, MAX_BINS))
    flat, truth = probability.ravel(), true.ravel().astype(np.float64)
    whose = np.tile(patient, len(probability))
    edges = np.unique(np.quantile(flat, np.arange(1, bins) / bins))
    place = np.searchsorted(edges, flat, side="left")
    for rows in (place == k for k in np.unique(place)):
        yield "reliability", f"{flat[rows].mean():.4g}", proportion(truth[rows], whose[rows])


# The log-odds of 0 and of 1 would be infinite.
_MIN_PROBABILITY = 1e-9
_LEAST = 1e-3  # of 1 − a leverage: one case that alone sets the slope
_ONE_PATIENT = "no interval: a single patient"


@dataclass(frozen=True)
class Coefficient:
    """A coefficient with each case's influence on it, which sums to 0, and the case's leverage."""

    value: float
    influence: Floats
    leverage: Floats


def calibration_intercept(probability: Floats, positive: Flags, patient: Whole) -> Estimate:
    """Estimate the shift of the log-odds that makes expected and observed numbers equal.

    The intercept of a logistic regression whose slope is held at 1 (Cox 1958; Van Calster et al.
    2019, *BMC Medicine* 17:230); mean over repeats.
    """
    if positive.all() or not positive.any():
        return Estimate(None, reason="a class has no case")
    alone = np.ones((probability.shape[1], 1))
    fits = [_logistic(alone, odds, positive)[0] for odds in _log_odds(probability)]
    return _estimate(fits, patient)


def calibration_slope(probability: Floats, positive: Flags, patient: Whole) -> Estimate:
    """Estimate the slope of the true log-odds on the predicted ones; mean over repeats.

    Below 1 probabilities are too extreme, as after overfitting; above 1 too timid. Arguments and
    source are those of `calibration_intercept`. Few positives with high leverage decide a slope, so
    each case's influence is that of leaving it out (HC3; MacKinnon & White 1985, *Journal of
    Econometrics* 29:305), and the quantile is Student's of the rarer class.
    """
    if positive.all() or not positive.any():
        return Estimate(None, reason="a class has no case")
    fits = []
    # Each repeat on its own; the slope has no finite fit in two cases.
    for odds in _log_odds(probability):
        if np.ptp(odds) == 0:
            return Estimate(None, reason="all probabilities are equal")
        if (
            odds[positive].min() >= odds[~positive].max()
            or odds[positive].max() <= odds[~positive].min()
        ):
            return Estimate(
                None,
                reason="the probabilities separate the classes completely, so no slope fits best",
            )
        design = np.column_stack([np.ones(len(odds)), odds])
        slope = _logistic(design, np.zeros(len(odds)), positive)[1]
        # The influence of each case as if it had been left out of the fit.
        left_out = slope.influence / np.maximum(1 - slope.leverage, _LEAST)
        fits.append(replace(slope, influence=left_out))
    # The rarer class bounds the degrees of freedom.
    rarer = min(effective_patients(patient[side]) for side in (positive, ~positive))
    return _estimate(fits, patient, max(1.0, rarer - 1))


def expected_to_observed(probability: Floats, positive: Flags, patient: Whole) -> Estimate:
    """Estimate expected over observed number of positives, mean over repeats, interval on the log.

    Arguments are those of `calibration_intercept`.
    """
    if not positive.any():
        return Estimate(None, reason="no positive case was observed")
    expected = probability.mean(axis=0)
    ratio = float(expected.sum() / positive.sum())
    if ratio == 0:
        return Estimate(0.0, method="no interval: no positive case is expected")
    # What each case adds to the log of the ratio; a sum varies as n times the mean.
    influence = expected / expected.sum() - positive / positive.sum()
    variation = gained_share(len(influence) * influence[None], patient).variation
    if not variation.variance > 0:
        return Estimate(ratio, method=_ONE_PATIENT)
    low, high = (float(ratio * np.exp(side * variation.half_width)) for side in (-1, 1))
    return Estimate(ratio, low, high, "delta method on the log, by patient")


def _log_odds(probability: Floats) -> Floats:
    """Compute log-odds, of probabilities kept away from 0 and 1, where they are infinite."""
    odds: Floats = logit(np.clip(probability, _MIN_PROBABILITY, 1 - _MIN_PROBABILITY))
    return odds


def _logistic(design: Floats, offset: Floats, positive: Flags) -> list[Coefficient]:
    """Fit by Newton's method, halving a step that would lower the likelihood."""
    sign = np.where(positive, 1.0, -1.0)

    def loss(coefficients: Floats) -> float:
        return float(np.logaddexp(0, -sign * (offset + design @ coefficients)).sum())

    coefficients = np.zeros(design.shape[1])
    # Newton's steps, each halved until the likelihood no longer falls.
    for _ in range(100):
        mean = expit(offset + design @ coefficients)
        score = design.T @ (positive - mean)
        inverse = np.linalg.pinv(design.T @ (design * (mean * (1 - mean))[:, None]))
        step = inverse @ score
        while loss(coefficients + step) > loss(coefficients) and np.abs(step).max() > 1e-12:
            step = step / 2
        coefficients = coefficients + step
        if np.abs(step).max() < 1e-10:
            break
    # What one case moves each coefficient by, and how far it draws its own fit to itself.
    influence = (design * (positive - mean)[:, None]) @ inverse
    leverage = mean * (1 - mean) * ((design @ inverse) * design).sum(axis=1)
    return [
        Coefficient(float(value), case_influence, leverage)
        for value, case_influence in zip(coefficients, influence.T, strict=True)
    ]


def _estimate(fits: Sequence[Coefficient], patient: Whole, degrees: float = np.inf) -> Estimate:
    """Estimate the mean of a coefficient over repeats, its variance by patient.

    Args:
        fits: Of each repeat, with the influence of each case.
        patient: (n,) who the cases are of.
        degrees: Most degrees of freedom that the rarer class leaves.
    """
    value = float(np.mean([fit.value for fit in fits]))
    # Repeats are further looks at the same patients; a sum over cases varies as n times the mean.
    influence = np.mean([fit.influence for fit in fits], axis=0)
    variation = gained_share(len(influence) * influence[None], patient).variation
    if not variation.variance > 0:
        return Estimate(value, method=_ONE_PATIENT)
    half_width = replace(variation, degrees=min(degrees, variation.degrees)).half_width
    return Estimate(value, value - half_width, value + half_width, "sandwich, by patient")


# Of two classes, in the order of the page.
CALIBRATION_FIGURES = {
    "intercept": calibration_intercept,
    "slope": calibration_slope,
    "expected_to_observed": expected_to_observed,
}


def assess_calibration(model: ComparedModel) -> Iterator[Named]:
    """Yield how far calibrated probabilities hold on the reported cases, in the order of the page.

    `intercept` is calibration in the large (0 is perfect, below 0 too high probabilities), `slope`
    that of the true log-odds on the predicted ones (1 is perfect, below 1 too extreme),
    `expected_to_observed` a ratio of numbers of positives (1 is perfect). With more than two
    classes the reliability curve is of the most probable class: how often it is the true one.
    """
    scores = model.scored
    # Several classes: reliability of the decided class alone.
    if model.predicted.positive is None:
        for name in CALIBRATION_FIGURES:
            yield name, "", Estimate(None, reason="defined for two classes")
        is_right = scores.decided == scores.label
        yield from reliability_curve(scores.estimate.max(axis=2), is_right, scores.patient)
        return
    probability, positive = model.probability, model.is_positive
    for name, estimate in CALIBRATION_FIGURES.items():
        yield name, "", estimate(probability, positive, scores.patient)
    true = np.broadcast_to(positive, probability.shape)
    yield from reliability_curve(probability, true, scores.patient)


THRESHOLDS = np.arange(1, 100) / 100
_ODDS = THRESHOLDS / (1 - THRESHOLDS)


def net_benefit(probability: Floats, positive: Flags, weights: Floats) -> Floats:
    """Return (b, thresholds) the net benefit by (b, n) case weights, mean over repeats.

    TP/n − FP/n · t/(1 − t), n being the sum of weights (Vickers & Elkin 2006, *Medical Decision
    Making* 26:565).
    """
    benefit = np.zeros((len(weights), len(THRESHOLDS)))
    for predicted in probability:
        # One acts from the first threshold to the last one that the probability reaches.
        last = np.searchsorted(THRESHOLDS, predicted, side="right")
        for members, worth in ((positive, 1.0), (~positive, -_ODDS)):
            ending = [
                np.bincount(last[members], row[members], len(THRESHOLDS) + 1) for row in weights
            ]
            acted = np.cumsum(np.array(ending)[:, :0:-1], axis=1)[:, ::-1]
            benefit += worth * acted
    mean: Floats = benefit / (len(probability) * weights.sum(axis=1, keepdims=True))
    return mean


def estimate_decision_curve(
    probability: Floats, positive: Flags, draws: PatientDraws
) -> DecisionCurve:
    """Estimate the decision curve with its 95 % band by patient.

    Percentiles of resampled patients say little where few positives are found or none: no resample
    holds more of them. So the band reaches at least as far as Wilson's intervals of the true and of
    the false positives put together (Zou & Donner 2008, *Statistics in Medicine* 27:1693).
    """
    # Percentiles of the resampled net benefit.
    whole = np.ones((1, len(positive)))
    value = net_benefit(probability, positive, whole)[0]
    resampled = [net_benefit(probability, positive, block) for block in draws.weights()]
    low, high = np.quantile(np.concatenate(resampled), LEVELS, axis=0)
    # Reach of each threshold's share of true, and of false positives, downwards and upwards.
    reach = np.empty((2, 2, len(THRESHOLDS)))
    for side, members in enumerate((positive, ~positive)):
        before = np.zeros_like(members)
        for k, threshold in enumerate(THRESHOLDS):
            called = (probability >= threshold) & members
            if k and np.array_equal(called, before):  # most thresholds part no cases
                reach[side, :, k] = reach[side, :, k - 1]
                continue
            found, before = proportion(called.astype(np.float64), draws.patient), called
            share = found.value or 0.0
            reach[side, :, k] = share - (found.low or 0.0), (found.high or 0.0) - share
    true, false = reach[0], reach[1, ::-1] * _ODDS
    # The reaches of the two shares are independent: their squares add up.
    below, above = np.hypot(true, false)
    # Nobody gains more than by finding all positives and nothing else.
    most = proportion(positive.astype(np.float64), draws.patient).high
    low, high = (
        np.minimum(low, value - below),
        np.minimum(np.maximum(high, value + above), most or 1.0),
    )
    everybody = net_benefit(whole, positive, whole)[0]
    columns = (THRESHOLDS, value, low, high, everybody)
    return DecisionCurve(*(tuple(column.tolist()) for column in columns))
