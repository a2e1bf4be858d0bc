"""Calibrations of the folds put together, and thresholds, by out-of-fold scores.

Scores are (n, n_classes) float64, out-of-fold; labels (n,) int64.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skiagram.arrays import Flags, Floats, Whole
from skiagram.statistics.conformal import conformal_quantile
from skiagram.tasks.class_calibration import IsotonicCalibration, ScalingCalibration
from skiagram.tasks.kinds import OutcomeCalibration
from skiagram.tasks.outcome import weigh_folds

Calibration = ScalingCalibration | IsotonicCalibration | OutcomeCalibration


def average_calibrations(
    calibrations: Sequence[Calibration], weights: Floats | None = None
) -> Calibration:
    """Average the calibrations of the folds, all of one method.

    Scores of different folds come from different fits, so each fold is calibrated on its own.

    Args:
        weights: (folds,) by `weigh_folds`; None: all weigh alike.
    """
    average: Callable[[Sequence[Any], Floats | None], Calibration] = type(calibrations[0]).average
    return average(calibrations, weights)


def held_out_calibrations(
    calibrations: Sequence[Calibration], weights: Floats | None = None
) -> list[Calibration]:
    """Return, per fold, the calibration of the cases that the fold holds out: the others' average.

    Whatever is fitted to a fold's labels knows them, a curve as well as the few numbers of a
    scaling. With its own calibration, noise from 60 patients reads as an AUC of .54.
    """
    averages = []
    for k in range(len(calibrations)):
        others = [*calibrations[:k], *calibrations[k + 1 :]]
        averages.append(
            average_calibrations(others, None if weights is None else np.delete(weights, k))
        )
    return averages


MAX_SHIFT = 2.0  # log-odds


def carry_over(
    calibrations: Sequence[Calibration], scores: Sequence[Floats], label: Sequence[Whole]
) -> tuple[list[Calibration], Calibration]:
    """Return the calibration of each fold's held-out cases, and that of a fit on all cases.

    Averages of other fits' calibrations hold as far as fits share a scale (`weigh_folds`). How far
    they do is seen on the folds: the root mean square s of the shift in log-odds between a fold's
    held-out cases by the others' calibration and by its own. Where they hardly do (s above 2), as
    for a model whose constant moves more than its scores, log-odds are drawn towards those of the
    classes' shares by 1 / (1 + π s² / 8): what is left of a value that varies by 8 / π, as a
    logistic one does (MacKay 1992, *Neural Computation* 4:720), beside an error of s² (James and
    Stein 1961).

    Args:
        scores: (m, n_classes) of each fold's held-out cases.
        label: (m,) of each.
    """
    weights = weigh_folds(scores)
    blind = held_out_calibrations(calibrations, weights)
    whole = average_calibrations(calibrations, weights)
    parts = zip(calibrations, blind, scores, strict=True)
    shifts = [
        np.abs(_log_odds(other, held_out) - _log_odds(fold_calibration, held_out)).max()
        for fold_calibration, other, held_out in parts
        if isinstance(fold_calibration, ScalingCalibration)
        and isinstance(other, ScalingCalibration)
    ]
    shift = float(np.sqrt(np.mean(np.square(shifts)))) if shifts else 0.0
    if shift <= MAX_SHIFT or not isinstance(whole, ScalingCalibration | IsotonicCalibration):
        return blind, whole
    counts = np.bincount(np.concatenate(label), minlength=whole.columns)
    prior = np.log(counts / counts.sum())
    shrinkage = float(1 / (1 + np.pi * shift**2 / 8))
    blind = [_drawn_in(calibration, shrinkage, prior) for calibration in blind]
    return blind, _drawn_in(whole, shrinkage, prior)


def _log_odds(calibration: ScalingCalibration, scores: Floats) -> Floats:
    """Return (n_classes,) mean log-odds of (m, n_classes) scores, against the mean class."""
    level = (scores - scores.mean(axis=1, keepdims=True)).mean(axis=0)
    mean: Floats = calibration.slope * level + np.array(calibration.intercept)
    return mean


def _drawn_in(calibration: Calibration, shrinkage: float, prior: Floats) -> Calibration:
    if not isinstance(calibration, ScalingCalibration):
        return calibration
    centred_prior = prior - prior.mean()
    intercept = shrinkage * np.array(calibration.intercept) + (1 - shrinkage) * centred_prior
    return ScalingCalibration(shrinkage * calibration.slope, tuple(intercept.tolist()))


def threshold_at_sensitivity(
    probability: Floats,
    positive: Flags,
    sensitivity: float,
    patient: NDArray[Any],
) -> float:
    """Return the highest threshold (positive: `probability ≥ threshold`) that keeps a sensitivity.

    It is that of new patients which is kept on average: of k + 1 who are exchangeable, each is as
    often the lowest, so that r of k at or above the threshold let a new one pass with chance
    r / (k + 1) (`conformal_quantile`). Of the k known ones as many pass, or more. Where k is too
    small, all of them do.

    Args:
        probability: (n,) calibrated probability of the positive class, out-of-fold.
        positive: (n,) true class; at least one case is positive.
        sensitivity: Wanted sensitivity in (0, 1].
        patient: (n,) whose the cases are; each counts as one, however many he has.
    """
    known = probability[positive]
    return -min(conformal_quantile(-known, patient[positive], sensitivity), float(-known.min()))
