"""How probabilities would have to be bent to agree with what was true: intercept and slope."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from skiagram.evaluation.proportions import Z
from skiagram.evaluation.results import Estimate

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
_LEAST = 1e-9
_ONE_PATIENT = "no interval: a single patient"


@dataclass(frozen=True)
class Fit:
    """A coefficient with each case's influence on it, which sums to 0."""

    value: float
    influence: Floats


def calibration_intercept(
    probability: Floats, positive: Flags, patient: NDArray[np.int64]
) -> Estimate:
    """Estimate the shift of the log-odds that makes expected and observed numbers equal.

    The intercept of a logistic regression whose slope is held at 1 (Cox 1958; Van Calster et al.
    2019, *BMC Medicine* 17:230); mean over repeats.

    Args:
        probability: (repeats, n) of the positive class; 10⁻⁹ stands for 0 and 1 − 10⁻⁹ for 1.
        positive: (n,) true class.
        patient: (n,) patients numbered from 0.
    """
    if positive.all() or not positive.any():
        return Estimate(None, reason="a class has no case")
    fits = []
    for one in _log_odds(probability):
        design = np.ones((len(one), 1))
        fits.append(_logistic(design, one, positive)[0])
    return _estimate(fits, patient)


def calibration_slope(probability: Floats, positive: Flags, patient: NDArray[np.int64]) -> Estimate:
    """Estimate the slope of the true log-odds on the predicted ones; mean over repeats.

    Below 1 probabilities are too extreme, as after overfitting; above 1 too timid. Arguments and
    source are those of `calibration_intercept`.
    """
    if positive.all() or not positive.any():
        return Estimate(None, reason="a class has no case")
    fits = []
    for one in _log_odds(probability):
        if np.ptp(one) == 0:
            return Estimate(None, reason="all probabilities are equal")
        if (
            one[positive].min() >= one[~positive].max()
            or one[positive].max() <= one[~positive].min()
        ):
            return Estimate(None, reason="probabilities part the classes, so no slope is best")
        design = np.column_stack([np.ones(len(one)), one])
        fits.append(_logistic(design, np.zeros(len(one)), positive)[1])
    return _estimate(fits, patient)


def expected_to_observed(
    probability: Floats, positive: Flags, patient: NDArray[np.int64]
) -> Estimate:
    """Estimate expected over observed number of positives, mean over repeats, interval on the log.

    Arguments are those of `calibration_intercept`.
    """
    if not positive.any():
        return Estimate(None, reason="no positive case was observed")
    expected = probability.mean(axis=0)
    ratio = float(expected.sum() / positive.sum())
    spread = _spread(expected / expected.sum() - positive / positive.sum(), patient)
    if spread is None:
        return Estimate(ratio, method=_ONE_PATIENT)
    low, high = (float(ratio * np.exp(side * Z * spread)) for side in (-1, 1))
    return Estimate(ratio, low, high, "delta method on the log, by patient")


def _parted(upper: Floats, lower: Floats) -> bool:
    return bool(upper.min() >= lower.max())


def _log_odds(probability: Floats) -> Floats:
    odds: Floats = logit(np.clip(probability, _LEAST, 1 - _LEAST))
    return odds


def _logistic(design: Floats, offset: Floats, positive: Flags) -> list[Fit]:
    """Fit by Newton's method, halving a step that would lower the likelihood."""
    sign = np.where(positive, 1.0, -1.0)

    def loss(coefficients: Floats) -> float:
        return float(np.logaddexp(0, -sign * (offset + design @ coefficients)).sum())

    found = np.zeros(design.shape[1])
    for _ in range(100):
        mean = expit(offset + design @ found)
        score = design.T @ (positive - mean)
        inverse = np.linalg.pinv(design.T @ (design * (mean * (1 - mean))[:, None]))
        step = inverse @ score
        while loss(found + step) > loss(found) and np.abs(step).max() > 1e-12:
            step = step / 2
        found = found + step
        if np.abs(step).max() < 1e-10:
            break
    influence = (design * (positive - mean)[:, None]) @ inverse
    return [Fit(float(value), own) for value, own in zip(found, influence.T, strict=True)]


def _estimate(fits: Sequence[Fit], patient: NDArray[np.int64]) -> Estimate:
    value = float(np.mean([one.value for one in fits]))
    spread = _spread(np.mean([one.influence for one in fits], axis=0), patient)
    if spread is None:
        return Estimate(value, method=_ONE_PATIENT)
    return Estimate(value, value - Z * spread, value + Z * spread, "sandwich, by patient")


def _spread(influence: Floats, patient: NDArray[np.int64]) -> float | None:
    """Return the standard error by patient; None where a single patient shows no spread."""
    patients = len(np.unique(patient))
    if patients < 2:
        return None
    sums = np.bincount(patient, weights=influence)
    return float(np.sqrt(patients / (patients - 1) * (sums**2).sum()))
