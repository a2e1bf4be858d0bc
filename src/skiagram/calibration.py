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
    scale = float(np.std(scores - scores.mean(axis=1, keepdims=True))) or 1.0
    unit = scores / scale

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
    intercept = best[1:] - best[1:].mean()
    return Calibration(float(np.exp(best[0])) / scale, tuple(float(value) for value in intercept))


def average(calibrations: list[Calibration]) -> Calibration:
    """Average the calibrations of the folds: geometric mean of slopes, mean of intercepts.

    Scores of different folds come from different fits, so each fold is calibrated on its own.
    """
    slope = float(np.exp(np.mean([np.log(one.slope) for one in calibrations])))
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
    return float(ranked[int(np.ceil(sensitivity * len(ranked))) - 1])
