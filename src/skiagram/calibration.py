"""From scores to probabilities: one slope and an intercept a class, fit on out-of-fold scores.

For two classes this is Platt's logistic calibration (Platt 1999, with his smoothed targets) of the
score difference; for more it is temperature scaling with class intercepts (Guo et al. 2017,
*On Calibration of Modern Neural Networks*, §4.2, bias added). The slope stays positive, so
calibration never turns a ranking round.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax


@dataclass(frozen=True)
class Calibration:
    """Probabilities = softmax(slope · score + intercept).

    Attributes:
        slope: > 0, per unit of score.
        intercept: One number a class, log-odds units; they sum to 0.
    """

    slope: float
    intercept: tuple[float, ...]

    def probabilities(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn (n, n_classes) scores into rows that sum to 1."""
        result: NDArray[np.float64] = softmax(
            self.slope * scores + np.array(self.intercept), axis=1
        )
        return result


def fit_calibration(scores: NDArray[np.float64], label: NDArray[np.int64]) -> Calibration:
    """Fit slope and intercepts by maximum likelihood with Platt's smoothed targets.

    Args:
        scores: (n, n_classes) float64, out-of-fold.
        label: (n,) int64.
    """
    n, n_classes = scores.shape
    counts = np.bincount(label, minlength=n_classes)
    target = np.empty((n, n_classes))
    for k in range(n_classes):
        own = (counts[k] + 1.0) / (counts[k] + n_classes)
        target[label == k] = (1.0 - own) / (n_classes - 1)
        target[label == k, k] = own
    offset, scale, unit = _standardised(scores)

    def loss(theta: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        slope, intercept = np.exp(theta[0]), theta[1:] - theta[1:].mean()
        logits = slope * unit + intercept
        residual = (softmax(logits, axis=1) - target) / n
        from_intercept = residual.sum(axis=0)
        gradient = np.concatenate(
            [[float((residual * unit).sum()) * slope], from_intercept - from_intercept.mean()]
        )
        return -float((target * log_softmax(logits, axis=1)).sum()) / n, gradient

    bounds = [(-8.0, 8.0)] + [(-20.0, 20.0)] * n_classes
    best = minimize(loss, np.zeros(n_classes + 1), jac=True, bounds=bounds, method="L-BFGS-B").x
    slope = float(np.exp(best[0])) / scale
    intercept = best[1:] - best[1:].mean() - slope * offset
    return Calibration(slope, tuple(float(value) for value in intercept))


def _standardised(
    scores: NDArray[np.float64],
) -> tuple[NDArray[np.float64], float, NDArray[np.float64]]:
    """Return class offsets, one scale, and scores less both; a row's common level drops out.

    The bounds of the search are in these units, so neither shift nor scale of a model's scores
    moves the optimum out of them.
    """
    level = scores - scores.mean(axis=1, keepdims=True)
    offset = level.mean(axis=0)
    centred = level - offset
    largest = float(np.abs(centred).max())
    if largest <= 1e-12 * float(np.abs(scores).max()):  # equal scores but for rounding
        return offset, 1.0, np.zeros_like(scores)
    scale = float(np.std(centred / largest)) * largest
    return offset, scale, centred / scale


def average(calibrations: list[Calibration]) -> Calibration:
    """Average the calibrations of the folds, which averages their log-odds.

    Scores of different folds come from different fits, so each fold is calibrated on its own.
    """
    slope = float(np.mean([one.slope for one in calibrations]))
    intercept = np.mean([one.intercept for one in calibrations], axis=0)
    return Calibration(slope, tuple(float(value) for value in intercept))


def threshold_at_sensitivity(
    probability: NDArray[np.float64], positive: NDArray[np.bool_], sensitivity: float
) -> float:
    """Return the highest threshold (positive: `probability ≥ threshold`) that keeps a sensitivity.

    Args:
        probability: (n,) calibrated probability of the positive class, out-of-fold.
        positive: (n,) whether the case is positive; at least one is.
        sensitivity: Wanted sensitivity in (0, 1].
    """
    ranked = np.sort(probability[positive])[::-1]
    needed = int(np.ceil(sensitivity * len(ranked) - 1e-9))  # .7 × 10 is a little above 7
    return float(ranked[needed - 1])
