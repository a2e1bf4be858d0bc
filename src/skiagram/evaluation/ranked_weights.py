"""Areas under curves of one ranking for many weightings of its cases, in compiled loops.

A resample is a row of weights: the cases are sorted once, and every resample walks along the same
order instead of being sorted anew.
"""

import numpy as np
from numpy.typing import NDArray

from skiagram.compiled import compiled

Floats = NDArray[np.float64]
Places = NDArray[np.int64]
Flags = NDArray[np.bool_]


def tied_order(score: Floats) -> tuple[Places, Flags]:
    """Return the ascending order of (n,) scores and, by place in it, whether a run of ties ends."""
    order = np.argsort(score, kind="stable").astype(np.int64)
    ordered = score[order]
    return order, np.append(ordered[1:] != ordered[:-1], True)


@compiled
def roc_areas(order: Places, ends: Flags, positive: Flags, weights: Floats) -> Floats:
    """Return (b,) the area under the ROC curve for each row of weights; NaN without both classes.

    Args:
        order: (n,) cases by ascending score.
        ends: (n,) whether the place ends a run of equal scores.
        positive: (n,) true class.
        weights: (b, n), ≥ 0.
    """
    areas = np.empty(len(weights))
    for row in range(len(weights)):
        area = positives = negatives = tied_positives = tied_negatives = 0.0
        for place in range(len(order)):
            case = order[place]
            weight = weights[row, case]
            found = weight * positive[case]
            tied_positives += found
            tied_negatives += weight - found
            if ends[place]:
                area += tied_positives * (negatives + tied_negatives / 2)
                positives += tied_positives
                negatives += tied_negatives
                tied_positives = tied_negatives = 0.0
        pairs = positives * negatives
        areas[row] = area / pairs if pairs > 0 else np.nan
    return areas


@compiled
def precision_areas(order: Places, ends: Flags, positive: Flags, weights: Floats) -> Floats:
    """Return (b,) the average precision for each row of weights; NaN without a positive.

    Args:
        order: (n,) cases by descending score.
        ends: (n,) whether the place ends a run of equal scores.
        positive: (n,) true class.
        weights: (b, n), ≥ 0.
    """
    areas = np.empty(len(weights))
    for row in range(len(weights)):
        area = called = found = tied_called = tied_found = 0.0
        for place in range(len(order)):
            case = order[place]
            weight = weights[row, case]
            tied_called += weight
            tied_found += weight * positive[case]
            if ends[place]:
                called += tied_called
                found += tied_found
                if called > 0:
                    area += tied_found * found / called
                tied_called = tied_found = 0.0
        areas[row] = area / found if found > 0 else np.nan
    return areas


@compiled
def risk_areas(order: Places, ends: Flags, wrong: Flags, weights: Floats) -> Floats:
    """Return (b,) the mean, over shares of cases kept, of the errors among them; NaN without cases.

    Args:
        order: (n,) cases by ascending doubt.
        ends: (n,) whether the place ends a run of equal doubts, which are kept together.
        wrong: (n,) whether the case is named wrongly.
        weights: (b, n), ≥ 0.
    """
    areas = np.empty(len(weights))
    for row in range(len(weights)):
        area = kept = errors = tied_kept = tied_errors = 0.0
        for place in range(len(order)):
            case = order[place]
            weight = weights[row, case]
            tied_kept += weight
            tied_errors += weight * wrong[case]
            if ends[place]:
                kept += tied_kept
                errors += tied_errors
                if kept > 0:
                    area += tied_kept * errors / kept
                tied_kept = tied_errors = 0.0
        areas[row] = area / kept if kept > 0 else np.nan
    return areas
