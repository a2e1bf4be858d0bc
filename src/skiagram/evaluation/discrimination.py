"""Metrics as functions of case weights, so that one definition serves figure and bootstrap.

Each takes `weights` (b, n), a row a resample (all ones: the cases as they are), and returns (b,)
float64, NaN where a resample lacks a class that the metric needs.
"""

import numpy as np
from numpy.typing import NDArray

from skiagram.evaluation.ranked_weights import precision_areas, roc_areas, tied_order

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]
Flags = NDArray[np.bool_]


def roc_auc(score: Floats, positive: Flags, weights: Floats) -> Floats:
    """Area under the ROC curve: chance that a positive outranks a negative, ties half.

    Args:
        score: (n,), higher = more likely positive.
        positive: (n,) true class.
        weights: (b, n), ≥ 0.
    """
    order, ends = tied_order(score)
    return roc_areas(order, ends, positive, weights)


def average_precision(score: Floats, positive: Flags, weights: Floats) -> Floats:
    """Mean precision over the steps of recall, without interpolation.

    Args:
        score: (n,), higher = more likely positive.
        positive: (n,) true class.
        weights: (b, n), ≥ 0.
    """
    order, ends = tied_order(-score)
    return precision_areas(order, ends, positive, weights)


def one_vs_rest_auc(probability: Floats, label: Labels, weights: Floats) -> Floats:
    """Unweighted mean over classes of the AUC of that class against all others.

    Args:
        probability: (n, n_classes).
        label: (n,).
        weights: (b, n), ≥ 0.
    """
    classes = range(probability.shape[1])
    areas: Floats = np.mean(
        [roc_auc(probability[:, k], label == k, weights) for k in classes], axis=0
    )
    return areas


def hand_till_auc(probability: Floats, label: Labels, weights: Floats) -> Floats:
    """Mean over pairs of classes of the AUC within the pair (Hand & Till 2001).

    Args:
        probability: (n, n_classes).
        label: (n,).
        weights: (b, n), ≥ 0.
    """
    n_classes = probability.shape[1]
    areas = []
    for i in range(n_classes):
        for j in range(n_classes):
            if i != j:
                pair = (label == i) | (label == j)
                areas.append(roc_auc(probability[pair, i], label[pair] == i, weights[:, pair]))
    result: Floats = np.mean(areas, axis=0)
    return result


def macro_average_precision(probability: Floats, label: Labels, weights: Floats) -> Floats:
    """Unweighted mean over classes of the average precision of that class against all others."""
    classes = range(probability.shape[1])
    result: Floats = np.mean(
        [average_precision(probability[:, k], label == k, weights) for k in classes], axis=0
    )
    return result


def balanced_accuracy(decision: Labels, label: Labels, n_classes: int, weights: Floats) -> Floats:
    """Unweighted mean over classes of the share of its cases that are named rightly.

    Args:
        decision: (n,) named class.
        label: (n,) true class.
        n_classes: Number of classes of the task.
        weights: (b, n), ≥ 0.
    """
    shares = []
    for k in range(n_classes):
        own = (label == k).astype(np.float64)
        shares.append(_ratio(weights @ (own * (decision == k)), weights @ own))
    result: Floats = np.mean(shares, axis=0)
    return result


def brier(probability: Floats, label: Labels, positive: int | None, weights: Floats) -> Floats:
    """Mean squared distance of probabilities from what was true; lower is better.

    Two classes: of the positive class alone, in [0, 1]. More: summed over classes, in [0, 2]
    (Brier 1950).

    Args:
        probability: (n, n_classes).
        label: (n,).
        positive: Label of the positive class; None with more than two classes.
        weights: (b, n), ≥ 0.
    """
    truth = np.eye(probability.shape[1])[label]
    squares = (probability - truth) ** 2
    loss = squares.sum(axis=1) if positive is None else squares[:, positive]
    return _ratio(weights @ loss, weights.sum(axis=1))


def confusion(decision: Labels, label: Labels, n_classes: int) -> NDArray[np.int64]:
    """Count cases: rows true class, columns named class."""
    flat = np.bincount(label * n_classes + decision, minlength=n_classes**2)
    return flat.reshape(n_classes, n_classes).astype(np.int64)


def _ratio(numerator: Floats, denominator: Floats) -> Floats:
    result = np.full(np.shape(numerator), np.nan)
    np.divide(numerator, denominator, out=result, where=denominator > 0)
    return result
