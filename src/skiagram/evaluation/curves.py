"""ROC and precision–recall curves to draw, averaged over repeats, with bands by patient.

Bands are vertical: at each false positive rate, or recall, the percentiles of the height over the
resamples (vertical averaging, Fawcett 2006, *Pattern Recognition Letters* 27:861, section 8). They
hold at each abscissa on its own; a whole curve leaves such a band more often than one time in
twenty (Macskassy & Provost 2004, *ROC Analysis in Artificial Intelligence*, 61). `ranking` is
(repeats, n), higher for likelier positives; `positive` (n,) the true class, both occur.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve, roc_curve

from skiagram.compute.compiled import compiled
from skiagram.evaluation.results import Band, Curve
from skiagram.statistics.bootstrap import LEVELS, PatientDraws
from skiagram.statistics.discrimination import (
    Flags,
    Floats,
    Places,
    rates_by_run,
    sums_by_run,
    tied_order,
)


def roc_curve_of_repeats(ranking: Floats, positive: NDArray[np.bool_]) -> Curve:
    """Return false positive rate → true positive rate."""

    def one(score: Floats) -> tuple[Floats, Floats]:
        false_positive, true_positive, _ = roc_curve(positive, score)
        return false_positive, true_positive

    return _mean_curve(ranking, one, int((~positive).sum()))


def precision_recall_of_repeats(ranking: Floats, positive: NDArray[np.bool_]) -> Curve:
    """Return recall → precision; it starts at the precision of the highest scores."""

    def one(score: Floats) -> tuple[Floats, Floats]:
        precision, recall, _ = precision_recall_curve(positive, score, drop_intermediate=True)
        return recall[::-1], precision[::-1]

    return _mean_curve(ranking, one, int(positive.sum()))


def _mean_curve(
    ranking: Floats, curve: Callable[[Floats], tuple[Floats, Floats]], steps: int
) -> Curve:
    """Return the only curve as it is, or the mean height of several at equal abscissae."""
    if len(ranking) == 1:
        x, y = curve(ranking[0])
    else:
        x = np.arange(steps + 1) / steps
        y = np.mean([np.interp(x, *curve(score)) for score in ranking], axis=0)
    return Curve(tuple(x.tolist()), tuple(y.tolist()))


_RATES = np.arange(101) / 100
_ROUNDING = 1e-12
_Heights = Callable[[Places, Flags, Flags, Floats, Floats], Floats]


def roc_band(ranking: Floats, positive: Flags, draws: PatientDraws) -> Band | None:
    """Return the 95 % band of sensitivity at each hundredth of the false positive rate."""
    return _band(_sensitivities, _RATES, ranking, positive, draws)


def precision_recall_band(ranking: Floats, positive: Flags, draws: PatientDraws) -> Band | None:
    """Return the 95 % band of precision at each hundredth of recall but 0."""
    return _band(_precisions, _RATES[1:], ranking, positive, draws)


def _band(
    heights: _Heights, abscissae: Floats, ranking: Floats, positive: Flags, draws: PatientDraws
) -> Band | None:
    """Return percentiles over resamples of the mean height over repeats.

    None where more than half of the resamples lack a class.
    """
    orders = [tied_order(-score) for score in ranking]
    resampled = np.concatenate(
        [
            np.mean(
                [
                    heights(*order, positive, np.ascontiguousarray(block), abscissae)
                    for order in orders
                ],
                axis=0,
            )
            for block in draws.weights()
        ]
    )
    defined = np.isfinite(resampled).all(axis=1)
    if defined.mean() < 0.5:
        return None
    low, high = np.quantile(resampled[defined], LEVELS, axis=0)
    return Band(tuple(abscissae.tolist()), tuple(low.tolist()), tuple(high.tolist()))


@compiled
def _sensitivities(
    order: Places, ends: Flags, positive: Flags, weights: Floats, rates: Floats
) -> Floats:
    """Return (b, k) the height of each row's ROC curve at k rates; NaN without both classes.

    Where the curve rises straight up, its upper end.

    Args:
        order: (n,) cases by descending score.
        ends: (n,) whether the place ends a run of equal scores.
        rates: (k,) false positive rates, ascending, from 0 to 1.
    """
    heights = np.ones((len(weights), len(rates)))
    false, true = np.empty(len(order)), np.empty(len(order))
    for row in range(len(weights)):
        runs = rates_by_run(order, ends, positive, weights[row], false, true)
        if runs == 0:
            heights[row] = np.nan
            continue
        point = 0
        x = y = 0.0
        for run in range(runs):
            next_x, next_y = false[run], true[run]
            while point < len(rates) and rates[point] < next_x:
                heights[row, point] = y + (next_y - y) * (rates[point] - x) / (next_x - x)
                point += 1
            x, y = next_x, next_y
    return heights


@compiled
def _precisions(
    order: Places, ends: Flags, positive: Flags, weights: Floats, recalls: Floats
) -> Floats:
    """Return (b, k) each row's precision where its recall first reaches k values; NaN without both.

    Args:
        order: (n,) cases by descending score.
        ends: (n,) whether the place ends a run of equal scores.
        recalls: (k,) recalls, ascending, in (0, 1].
    """
    heights = np.full((len(weights), len(recalls)), np.nan)
    passed, hits = np.empty(len(order)), np.empty(len(order))
    for row in range(len(weights)):
        runs = sums_by_run(order, ends, positive, weights[row], passed, hits)
        positives = hits[runs - 1]
        if positives == 0 or positives == passed[runs - 1]:
            continue
        point = 0
        for run in range(runs):
            while point < len(recalls) and hits[run] / positives >= recalls[point] - _ROUNDING:
                heights[row, point] = hits[run] / passed[run]
                point += 1
    return heights
