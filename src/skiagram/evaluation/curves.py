"""ROC and precision–recall curves to draw, averaged over repeats."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve, roc_curve

from skiagram.evaluation.results import Curve

Floats = NDArray[np.float64]


def roc(ranking: Floats, positive: NDArray[np.bool_]) -> Curve:
    """Return false positive rate → true positive rate.

    Args:
        ranking: (repeats, n), higher = more likely positive.
        positive: (n,) true class; both classes occur.
    """

    def one(score: Floats) -> tuple[Floats, Floats]:
        false_positive, true_positive, _ = roc_curve(positive, score)
        return false_positive, true_positive

    return _mean(ranking, one, int((~positive).sum()))


def precision_recall(ranking: Floats, positive: NDArray[np.bool_]) -> Curve:
    """Return recall → precision; it starts at the precision of the highest scores.

    Args:
        ranking: (repeats, n), higher = more likely positive.
        positive: (n,) true class; both classes occur.
    """

    def one(score: Floats) -> tuple[Floats, Floats]:
        precision, recall, _ = precision_recall_curve(positive, score, drop_intermediate=True)
        return recall[::-1], precision[::-1]

    return _mean(ranking, one, int(positive.sum()))


def _mean(ranking: Floats, curve: Callable[[Floats], tuple[Floats, Floats]], steps: int) -> Curve:
    """Return the only curve as it is, or the mean height of several at equal abscissae."""
    if len(ranking) == 1:
        x, y = curve(ranking[0])
    else:
        x = np.arange(steps + 1) / steps
        y = np.mean([np.interp(x, *curve(score)) for score in ranking], axis=0)
    return Curve(tuple(x.tolist()), tuple(y.tolist()))
