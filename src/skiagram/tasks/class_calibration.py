"""From scores to probabilities of classes, by methods fit on out-of-fold scores.

Scaling: one slope, and an intercept a class where the method has them, turn scores into log-odds.
With intercepts this is, for two classes, Platt's logistic calibration (Platt 1999) of the score
difference; for more it is temperature scaling with class intercepts (Guo et al. 2017, *On
Calibration of Modern Neural Networks*, §4.2, bias added). Without intercepts it is temperature
scaling alone, the slope being 1 / temperature. The slope stays positive, so neither ever turns the
order of two classes round. Both are fit to Platt's smoothed targets: on scores that part the
classes the plain likelihood has no optimum.

Isotonic: any rising curve from score to probability, a class against the rest (Zadrozny and Elkan
2002, *Transforming Classifier Scores into Accurate Multiclass Probability Estimates*, KDD, §3 for
one class and §5 for more).

Scores are (n, n_classes) float64, out-of-fold; labels (n,) int64.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import scipy
from pydantic import Field

from skiagram.arrays import Floats, Whole
from skiagram.tasks.choices import CalibrationMethod
from skiagram.tasks.outcome import Finite, MeasuredCalibration

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Probability = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


@dataclass(frozen=True)
class ScalingCalibration(MeasuredCalibration):
    """Probabilities = softmax(slope · score + intercept).

    Attributes:
        slope: > 0, per unit of score.
        intercept: One number per class, log-odds units; they sum to 0.
    """

    slope: Positive
    intercept: tuple[Finite, ...]

    @property
    def columns(self) -> int:
        """Count the classes."""
        return len(self.intercept)

    def probabilities(self, scores: Floats) -> Floats:
        """Turn (n, n_classes) scores into rows that sum to 1."""
        result: Floats = scipy.special.softmax(
            self.slope * scores + np.array(self.intercept), axis=1
        )
        return result


def fit_platt(scores: Floats, label: Whole) -> ScalingCalibration:
    """Fit slope and intercepts by maximum likelihood with Platt's smoothed targets.

    Intercepts may reach ± 20 log-odds in units of the scores' spread: far beyond any sensible one.

    Args:
        scores: (n, n_classes) float64, out-of-fold.
        label: (n,) int64.
    """
    level = scores - scores.mean(axis=1, keepdims=True)
    return _fit_scaling(scores, label, offset=level.mean(axis=0), reach=20.0)


def fit_temperature(scores: Floats, label: Whole) -> ScalingCalibration:
    """Fit the slope alone; arguments are those of `fit_platt`.

    Suits scores that are log-odds up to a factor, as a network's are. Others, a margin or a vote
    whose even point is not 0, keep their shift.
    """
    return _fit_scaling(scores, label, offset=np.zeros(scores.shape[1]), reach=0.0)


def _fit_scaling(scores: Floats, label: Whole, offset: Floats, reach: float) -> ScalingCalibration:
    """Fit with intercepts within ± `reach` of those that take away the offset."""
    n, n_classes = scores.shape
    # Platt's targets: a little less than 1 for the own class.
    counts = np.bincount(label, minlength=n_classes)
    target = np.empty((len(label), n_classes))
    for k in range(n_classes):
        smoothed = (counts[k] + 1.0) / (counts[k] + n_classes)
        target[label == k] = (1.0 - smoothed) / (n_classes - 1)
        target[label == k, k] = smoothed
    # Class offsets are taken off and one scale divided by, so that neither shift nor scale of a
    # model's scores moves the optimum out of the bounds; a row's common level drops out.
    centred = scores - scores.mean(axis=1, keepdims=True) - offset
    largest = float(np.abs(centred).max())
    scale, unit = 1.0, np.zeros_like(scores)
    if largest > 1e-12 * float(np.abs(scores).max()):  # else equal scores but for rounding
        scale = float(np.std(centred / largest)) * largest
        unit = centred / scale

    # The cross-entropy with smoothed targets, over a slope above 0 and intercepts of mean 0.
    def loss(theta: Floats) -> tuple[float, Floats]:
        slope, intercept = np.exp(theta[0]), theta[1:] - theta[1:].mean()
        logits = slope * unit + intercept
        residual = (scipy.special.softmax(logits, axis=1) - target) / n
        from_intercept = residual.sum(axis=0)
        gradient = np.concatenate(
            [[float((residual * unit).sum()) * slope], from_intercept - from_intercept.mean()]
        )
        return -float((target * scipy.special.log_softmax(logits, axis=1)).sum()) / n, gradient

    # Bounds far beyond any sensible slope, so that the search stays finite.
    bounds = [(-8.0, 8.0)] + [(-reach, reach)] * n_classes
    start = np.zeros(n_classes + 1)
    best = scipy.optimize.minimize(loss, start, jac=True, bounds=bounds, method="L-BFGS-B").x
    slope = float(np.exp(best[0])) / scale
    intercept = best[1:] - best[1:].mean() - slope * offset
    return ScalingCalibration(slope, tuple(float(value) for value in intercept))


@dataclass(frozen=True)
class RisingCurve:
    """A curve that never falls: straight lines between knots, level beyond them.

    Attributes:
        score: Ascending abscissae, at least one.
        probability: Ordinates in [0, 1], never falling.
    """

    score: tuple[Finite, ...]
    probability: tuple[Probability, ...]

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
        """Compute (n,) probabilities at (n,) scores; beyond the knots that of the nearest one."""
        probability = np.interp(score, self.score, self.probability)
        return np.clip(probability, self.probability[0], self.probability[-1])  # rounding oversteps


@dataclass(frozen=True)
class IsotonicCalibration:
    """Probabilities by one curve a class, divided by their sum.

    Attributes:
        curves: Of each class's margin over the mean score of the others; with two classes the
            second's alone, since the first's probability is what it leaves.
    """

    curves: tuple[RisingCurve, ...]

    @property
    def columns(self) -> int:
        """Count the classes."""
        return 2 if len(self.curves) == 1 else len(self.curves)

    def probabilities(self, scores: Floats) -> Floats:
        """Turn (n, n_classes) scores into rows that sum to 1; equal ones where all curves are 0."""
        # Two classes have one curve; of more each has its own, scaled to a sum of 1.
        if len(self.curves) == 1:
            second = self.curves[0].at(_margin(scores, 1))
            return np.stack([1 - second, second], axis=1)
        raw = np.stack(
            [curve.at(_margin(scores, k)) for k, curve in enumerate(self.curves)], axis=1
        )
        total = raw.sum(axis=1, keepdims=True)
        shares: Floats = np.where(total > 0, raw, 1.0) / np.where(total > 0, total, raw.shape[1])
        return shares

    @staticmethod
    def average(
        calibrations: Sequence["IsotonicCalibration"], weights: Floats | None = None
    ) -> "IsotonicCalibration":
        """Average the curves of each class: straight lines between all knots of all of them.

        The mean of curves that never fall never falls, either.

        Args:
            calibrations: Of the folds, with as many classes each.
            weights: As `MeasuredCalibration.average` takes them.
        """
        averaged = []
        for curves in zip(*(calibration.curves for calibration in calibrations), strict=True):
            score = np.unique(np.concatenate([curve.score for curve in curves]))
            levels = [curve.at(score) for curve in curves]
            mean = np.average(levels, axis=0, weights=weights)
            # Rounding may lower a level by an ulp.
            rising = np.clip(np.maximum.accumulate(mean), 0, 1)
            averaged.append(RisingCurve(tuple(score.tolist()), tuple(rising.tolist())))
        return IsotonicCalibration(tuple(averaged))


def fit_isotonic(scores: Floats, label: Whole) -> IsotonicCalibration:
    """Fit each class's curve by least squares; cases of equal margin count as one of their mean.

    Args:
        scores: (n, n_classes) float64, out-of-fold.
        label: (n,) int64.
    """
    # Of two classes one curve, since the other is its mirror.
    n_classes, curves = scores.shape[1], []
    for k in [1] if n_classes == 2 else range(n_classes):
        score, place, cases = np.unique(_margin(scores, k), return_inverse=True, return_counts=True)
        share = np.bincount(place, weights=label == k) / cases
        fitted = np.clip(scipy.optimize.isotonic_regression(share, weights=cases).x, 0, 1)
        # Only the ends of each level are kept: between them the curve is flat.
        steps = np.diff(fitted) != 0
        ends = np.concatenate([[True], steps]) | np.concatenate([steps, [True]])  # of a level
        curves.append(RisingCurve(tuple(score[ends].tolist()), tuple(fitted[ends].tolist())))
    return IsotonicCalibration(tuple(curves))


def _margin(scores: Floats, k: int) -> Floats:
    """Compute (n,) how far class k lies above the mean of the others; a common level drops out."""
    others: Floats = np.delete(scores, k, axis=1)
    margin: Floats = scores[:, k] - others.mean(axis=1)
    return margin


CALIBRATIONS: Mapping[
    CalibrationMethod,
    Callable[[Floats, Whole], ScalingCalibration | IsotonicCalibration],
] = {"platt": fit_platt, "isotonic": fit_isotonic, "temperature": fit_temperature}
