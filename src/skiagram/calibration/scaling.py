"""One slope, and an intercept a class where the method has them, turn scores into log-odds.

With intercepts this is, for two classes, Platt's logistic calibration (Platt 1999) of the score
difference; for more it is temperature scaling with class intercepts (Guo et al. 2017, *On
Calibration of Modern Neural Networks*, §4.2, bias added). Without intercepts it is temperature
scaling alone, the slope being 1 / temperature. The slope stays positive, so neither ever turns the
order of two classes round. Both are fit to Platt's smoothed targets: on scores that part the
classes the plain likelihood has no optimum.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax


@dataclass(frozen=True)
class Scaling:
    """Probabilities = softmax(slope · score + intercept).

    Attributes:
        slope: > 0, per unit of score.
        intercept: One number a class, log-odds units; they sum to 0.
    """

    slope: float
    intercept: tuple[float, ...]

    @property
    def n_classes(self) -> int:
        """Return the number of classes."""
        return len(self.intercept)

    def probabilities(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn (n, n_classes) scores into rows that sum to 1."""
        result: NDArray[np.float64] = softmax(
            self.slope * scores + np.array(self.intercept), axis=1
        )
        return result


def fit_platt(scores: NDArray[np.float64], label: NDArray[np.int64]) -> Scaling:
    """Fit slope and intercepts by maximum likelihood with Platt's smoothed targets.

    Args:
        scores: (n, n_classes) float64, out-of-fold.
        label: (n,) int64.
    """
    level = scores - scores.mean(axis=1, keepdims=True)
    return _fit(scores, label, offset=level.mean(axis=0), reach=20.0)


def fit_temperature(scores: NDArray[np.float64], label: NDArray[np.int64]) -> Scaling:
    """Fit the slope alone; arguments are those of `fit_platt`.

    Suits scores that are log-odds up to a factor, as a network's are. Others, a margin or a vote
    whose even point is not 0, keep their shift.
    """
    return _fit(scores, label, offset=np.zeros(scores.shape[1]), reach=0.0)


def _fit(
    scores: NDArray[np.float64],
    label: NDArray[np.int64],
    offset: NDArray[np.float64],
    reach: float,
) -> Scaling:
    """Fit with intercepts within ± `reach` of those that take away the offset."""
    n, n_classes = scores.shape
    target = _smoothed(label, n_classes)
    scale, unit = _standardised(scores, offset)

    def loss(theta: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        slope, intercept = np.exp(theta[0]), theta[1:] - theta[1:].mean()
        logits = slope * unit + intercept
        residual = (softmax(logits, axis=1) - target) / n
        from_intercept = residual.sum(axis=0)
        gradient = np.concatenate(
            [[float((residual * unit).sum()) * slope], from_intercept - from_intercept.mean()]
        )
        return -float((target * log_softmax(logits, axis=1)).sum()) / n, gradient

    bounds = [(-8.0, 8.0)] + [(-reach, reach)] * n_classes
    best = minimize(loss, np.zeros(n_classes + 1), jac=True, bounds=bounds, method="L-BFGS-B").x
    slope = float(np.exp(best[0])) / scale
    intercept = best[1:] - best[1:].mean() - slope * offset
    return Scaling(slope, tuple(float(value) for value in intercept))


def _smoothed(label: NDArray[np.int64], n_classes: int) -> NDArray[np.float64]:
    """Return (n, n_classes) Platt's targets: a little less than 1 for the own class."""
    counts = np.bincount(label, minlength=n_classes)
    target = np.empty((len(label), n_classes))
    for k in range(n_classes):
        own = (counts[k] + 1.0) / (counts[k] + n_classes)
        target[label == k] = (1.0 - own) / (n_classes - 1)
        target[label == k, k] = own
    return target


def _standardised(
    scores: NDArray[np.float64], offset: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64]]:
    """Return one scale, and scores less class offsets over it; a row's common level drops out.

    The bounds of the search are in these units, so neither shift nor scale of a model's scores
    moves the optimum out of them.
    """
    level = scores - scores.mean(axis=1, keepdims=True)
    centred = level - offset
    largest = float(np.abs(centred).max())
    if largest <= 1e-12 * float(np.abs(scores).max()):  # equal scores but for rounding
        return 1.0, np.zeros_like(scores)
    scale = float(np.std(centred / largest)) * largest
    return scale, centred / scale


def average_scaling(calibrations: Sequence[Scaling]) -> Scaling:
    """Average slopes and intercepts, which averages log-odds."""
    slope = float(np.mean([one.slope for one in calibrations]))
    intercept = np.mean([one.intercept for one in calibrations], axis=0)
    return Scaling(slope, tuple(float(value) for value in intercept))
