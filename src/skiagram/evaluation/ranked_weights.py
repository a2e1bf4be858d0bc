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
def sums_by_run(
    order: Places, ends: Flags, flagged: Flags, weights: Floats, passed: Floats, found: Floats
) -> int:
    """Write the weight passed, and that of flagged cases, up to each run's end; return the runs.

    Args:
        order: (n,) cases, in the order in which they are passed.
        ends: (n,) whether the place ends a run of equal scores.
        flagged: (n,) by case.
        weights: (n,) by case, ≥ 0.
        passed: (n,) written from its first place on.
        found: (n,) written from its first place on.
    """
    runs = 0
    whole = part = 0.0
    for place in range(len(order)):
        case = order[place]
        whole += weights[case]
        part += weights[case] * flagged[case]
        if ends[place]:
            passed[runs], found[runs] = whole, part
            runs += 1
    return runs


@compiled
def roc_areas(order: Places, ends: Flags, positive: Flags, weights: Floats) -> Floats:
    """Return (b,) the area under the ROC curve for each row of weights; NaN without both classes.

    Args:
        order: (n,) cases by ascending score.
        ends: (n,) whether the place ends a run of equal scores.
        positive: (n,) true class.
        weights: (b, n), ≥ 0.
    """
    areas, passed, found = np.empty(len(weights)), np.empty(len(order)), np.empty(len(order))
    for row in range(len(weights)):
        area = positives = negatives = 0.0
        for run in range(sums_by_run(order, ends, positive, weights[row], passed, found)):
            lower = passed[run] - found[run]
            area += (found[run] - positives) * (negatives + lower) / 2
            positives, negatives = found[run], lower
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
    areas, passed, found = np.empty(len(weights)), np.empty(len(order)), np.empty(len(order))
    for row in range(len(weights)):
        area = positives = 0.0
        for run in range(sums_by_run(order, ends, positive, weights[row], passed, found)):
            if passed[run] > 0:
                area += (found[run] - positives) * found[run] / passed[run]
            positives = found[run]
        areas[row] = area / positives if positives > 0 else np.nan
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
    areas, passed, errors = np.empty(len(weights)), np.empty(len(order)), np.empty(len(order))
    for row in range(len(weights)):
        area = kept = 0.0
        for run in range(sums_by_run(order, ends, wrong, weights[row], passed, errors)):
            if passed[run] > 0:
                area += (passed[run] - kept) * errors[run] / passed[run]
            kept = passed[run]
        areas[row] = area / kept if kept > 0 else np.nan
    return areas
