"""ROC and precision–recall curves to draw, averaged over repeats, with bands by patient.

Bands are vertical: at each false positive rate, or recall, the percentiles of the height over the
resamples (vertical averaging, Fawcett 2006, *Pattern Recognition Letters* 27:861, section 8). They
hold at each abscissa on its own; a whole curve leaves such a band more often than one time in
twenty (Macskassy & Provost 2004, *ROC Analysis in Artificial Intelligence*, 61). `ranking` is
(repeats, n), higher for likelier positives; `positive` (n,) the true class, both occur; `fits` the
(n,) fits that scored a repeat's cases, None where one did: an ROC curve is the mean of theirs, by
number of pairs.
"""

from collections.abc import Callable, Sequence

import numpy as np

from skiagram.arrays import Flags, Floats, Whole
from skiagram.compiled.loops import compiled
from skiagram.evaluation.results import Band, Curve
from skiagram.statistics.bootstrap import LEVELS, PatientDraws
from skiagram.statistics.discrimination import rates_by_run, sums_by_run, tied_order, within_fits

Fits = Sequence[Whole | None]


def _find_points(score: Floats, truth: Flags, *, recall: bool) -> tuple[Floats, Floats]:
    """Find the points of one curve, abscissae and heights, without those that add nothing."""
    # How many negative and positive cases score at least each score, highest first.
    order, ends = tied_order(-score)
    positives = np.cumsum(truth[order])[ends].astype(np.float64)
    negatives = (np.flatnonzero(ends) + 1).astype(np.float64) - positives
    if recall:
        # From recall 0; of a recall the first and the last point.
        rises = np.diff(positives).astype(bool)
        is_end = np.concatenate([[True], rises[:-1] | rises[1:], [True]])[: len(positives)]
        hits, passed = positives[is_end], (positives + negatives)[is_end]
        return np.concatenate([[0.0], hits / hits[-1]]), np.concatenate([[1.0], hits / passed])
    # From 0 and 0; of points on a line the first and the last.
    bends = np.diff(negatives, 2).astype(bool) | np.diff(positives, 2).astype(bool)
    is_corner = np.concatenate([[True], bends, [True]])[: len(positives)]
    rates = [np.append(0.0, counts[is_corner] / counts[-1]) for counts in (negatives, positives)]
    return rates[0], rates[1]


def mean_curve(
    ranking: Floats, positive: Flags, fits: Fits | None = None, *, recall: bool = False
) -> Curve:
    """Return false positive rate → true positive rate, or recall → precision.

    The only curve as it is, or the mean height of several at equal abscissae. Precision starts at
    that of the highest scores.
    """
    fits = fits or [None] * len(ranking)
    if len(ranking) == 1 and fits[0] is None:
        x, y = _find_points(ranking[0], positive, recall=recall)
        return Curve(tuple(x.tolist()), tuple(y.tolist()))
    # Several repeats share the steps of one axis.
    steps = int((positive if recall else ~positive).sum())
    x = np.arange(steps + 1) / steps

    def heights(score: Floats, truth: Flags, _: Floats) -> Floats:
        if truth.all() or not truth.any():
            return np.full((1, steps + 1), np.nan)
        return np.interp(x, *_find_points(score, truth, recall=recall))[None]

    repeats = zip(ranking, fits, strict=True)
    ones = np.ones((1, len(positive)))
    y = np.mean(
        [within_fits(heights, fit)(ranked, positive, ones)[0] for ranked, fit in repeats], axis=0
    )
    return Curve(tuple(x.tolist()), tuple(y.tolist()))


_RATES = np.arange(101) / 100
# A recall that is reached but for rounding counts as reached.
_ROUNDING = 1e-12
_Heights = Callable[[Whole, Flags, Flags, Floats, Floats], Floats]


def curve_band(
    ranking: Floats,
    positive: Flags,
    draws: PatientDraws,
    fits: Fits | None = None,
    *,
    recall: bool = False,
) -> Band | None:
    """Return the 95 % band of sensitivity or precision at each hundredth of the abscissa.

    Percentiles over resamples of the mean height over repeats. Of precision none at recall 0; None
    where more than half of the resamples lack a class.
    """
    walk, abscissae = (_precisions, _RATES[1:]) if recall else (_sensitivities, _RATES)

    def heights(score: Floats, truth: Flags, weights: Floats) -> Floats:
        return walk(*tied_order(-score), truth, np.ascontiguousarray(weights), abscissae)

    fits = fits or [None] * len(ranking)
    # The mean height over repeats, in each resample.
    repeats = [(score, within_fits(heights, fit)) for score, fit in zip(ranking, fits, strict=True)]
    resampled = np.concatenate(
        [
            np.mean(
                [repeat_heights(score, positive, block) for score, repeat_heights in repeats],
                axis=0,
            )
            for block in draws.weights()
        ]
    )
    # With fewer than half of the resamples defined there is no band.
    defined = np.isfinite(resampled).all(axis=1)
    if defined.mean() < 0.5:
        return None
    low, high = np.quantile(resampled[defined], LEVELS, axis=0)
    return Band(tuple(abscissae.tolist()), tuple(low.tolist()), tuple(high.tolist()))


@compiled
def _sensitivities(
    order: Whole, ends: Flags, positive: Flags, weights: Floats, rates: Floats
) -> Floats:
    """Return (b, k) the height of each row's ROC curve at k rates; NaN without both classes.

    Where the curve rises straight up, its upper end.

    Args:
        order: (n,) cases by descending score.
        ends: (n,) whether the place ends a run of equal scores.
        rates: (k,) false positive rates, ascending, from 0 to 1.
    """
    # Each resample walks its curve once; between two points it is straight.
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
    order: Whole, ends: Flags, positive: Flags, weights: Floats, recalls: Floats
) -> Floats:
    """Return (b, k) each row's precision where its recall first reaches k values; NaN without both.

    Args:
        order: (n,) cases by descending score.
        ends: (n,) whether the place ends a run of equal scores.
        recalls: (k,) recalls, ascending, in (0, 1].
    """
    # The first place where the recall is reached, up to rounding.
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
