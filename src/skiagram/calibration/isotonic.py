"""Isotonic calibration: any rising curve from score to probability, a class against the rest.

Zadrozny and Elkan 2002, *Transforming Classifier Scores into Accurate Multiclass Probability
Estimates*, KDD, §3 (one class) and §5 (more classes).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Rise:
    """A curve that never falls: straight lines between knots, level beyond them.

    Attributes:
        score: Ascending abscissae, at least one.
        probability: Ordinates in [0, 1], never falling.
    """

    score: tuple[float, ...]
    probability: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse knots that are no such curve."""
        score, probability = np.array(self.score), np.array(self.probability)
        if len(score) != len(probability) or len(score) == 0:
            raise ValueError("a curve needs as many scores as probabilities")
        if not ((np.diff(score) > 0).all() and (np.diff(probability) >= 0).all()):
            raise ValueError("a curve must rise")
        if probability[0] < 0 or probability[-1] > 1:
            raise ValueError("a probability is outside [0, 1]")

    def at(self, score: Floats) -> Floats:
        """Return (n,) probabilities at (n,) scores."""
        found = np.interp(score, self.score, self.probability)
        return np.clip(found, self.probability[0], self.probability[-1])  # rounding oversteps


@dataclass(frozen=True)
class Isotonic:
    """Probabilities by one curve a class, divided by their sum.

    Attributes:
        curves: Of each class's margin over the mean score of the others; with two classes the
            second's alone, since the first's probability is what it leaves.
    """

    curves: tuple[Rise, ...]

    @property
    def n_classes(self) -> int:
        """Return the number of classes."""
        return 2 if len(self.curves) == 1 else len(self.curves)

    def probabilities(self, scores: Floats) -> Floats:
        """Turn (n, n_classes) scores into rows that sum to 1; equal ones where all curves are 0."""
        if len(self.curves) == 1:
            second = self.curves[0].at(_margin(scores, 1))
            return np.stack([1 - second, second], axis=1)
        raw = np.stack([one.at(_margin(scores, k)) for k, one in enumerate(self.curves)], axis=1)
        total = raw.sum(axis=1, keepdims=True)
        shares: Floats = np.where(total > 0, raw, 1.0) / np.where(total > 0, total, raw.shape[1])
        return shares


def fit_isotonic(scores: Floats, label: NDArray[np.int64]) -> Isotonic:
    """Fit each class's curve by least squares; cases of equal margin count as one of their mean.

    Args:
        scores: (n, n_classes) float64, out-of-fold.
        label: (n,) int64.
    """
    n_classes = scores.shape[1]
    classes = [1] if n_classes == 2 else range(n_classes)
    return Isotonic(tuple(_rise(_margin(scores, k), label == k) for k in classes))


def average_isotonic(calibrations: Sequence[Isotonic]) -> Isotonic:
    """Average the curves of each class: straight lines between all knots of all of them."""
    return Isotonic(
        tuple(_mean(curves) for curves in zip(*(one.curves for one in calibrations), strict=True))
    )


def _margin(scores: Floats, k: int) -> Floats:
    """Return (n,) how far class k lies above the mean of the others; a common level drops out."""
    others: Floats = np.delete(scores, k, axis=1)
    margin: Floats = scores[:, k] - others.mean(axis=1)
    return margin


def _rise(margin: Floats, own: NDArray[np.bool_]) -> Rise:
    score, place, cases = np.unique(margin, return_inverse=True, return_counts=True)
    share = np.bincount(place, weights=own) / cases
    fitted = np.clip(isotonic_regression(share, weights=cases).x, 0, 1)
    steps = np.diff(fitted) != 0
    kept = np.concatenate([[True], steps]) | np.concatenate([steps, [True]])  # ends of a level
    return Rise(tuple(score[kept].tolist()), tuple(fitted[kept].tolist()))


def _mean(curves: Sequence[Rise]) -> Rise:
    score = np.unique(np.concatenate([one.score for one in curves]))
    mean = np.mean([one.at(score) for one in curves], axis=0)
    rising = np.clip(np.maximum.accumulate(mean), 0, 1)  # rounding may lower a level by an ulp
    return Rise(tuple(score.tolist()), tuple(rising.tolist()))
