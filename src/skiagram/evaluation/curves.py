"""ROC and precision–recall curves to draw, averaged over repeats, with bands by patient.

Bands are vertical: at each false positive rate, or recall, the percentiles of the height over the
resamples (vertical averaging, Fawcett 2006, *Pattern Recognition Letters* 27:861, section 8). They
hold at each abscissa on its own; a whole curve leaves such a band more often than one time in
twenty (Macskassy & Provost 2004, *ROC Analysis in Artificial Intelligence*, 61). `ranking` is
(repeats, n), higher for likelier positives; `positive` (n,) the true class, both occur; `fits` the
(n,) fits that scored a repeat's cases, None where one did: an ROC curve is the mean of theirs, by
number of pairs.
"""

from collections.abc import Sequence

import numpy as np

from skiagram.arrays import Flags, Floats, Whole
from skiagram.evaluation.results import Band, Curve
from skiagram.statistics.bootstrap import LEVELS, PatientDraws
from skiagram.statistics.discrimination import tied_order, within_fits

Fits = Sequence[Whole | None]


def _find_points(score: Floats, truth: Flags, *, recall: bool) -> tuple[Floats, Floats]:
    """Find the points of one curve, without those that add nothing.

    They are those of scikit-learn, which takes as long to import as all else of an evaluation.

    Args:
        score: (n,).
        truth: (n,) which cases are positive.
        recall: Whether of precision against recall, and not of an ROC curve.

    Returns:
        Ascending abscissae and their heights, both 0 to 1.
    """
    # Cases passed with falling scores, up to the end of each run of ties.
    order, ends = tied_order(-score)
    hits = np.cumsum(truth[order])[ends]
    misses = np.flatnonzero(ends) + 1 - hits
    # Points within a straight piece, or between the ends of one recall, are left out.
    rises, kept = np.diff(hits), np.full(len(hits), fill_value=True)
    if recall:
        kept[1:-1] = (rises[:-1] != 0) | (rises[1:] != 0)
    else:
        kept[1:-1] = (np.diff(rises) != 0) | (np.diff(misses, 2) != 0)
    hits, misses = hits[kept], misses[kept]
    shares = np.append(0.0, hits / hits[-1])
    if recall:
        return shares, np.append(1.0, hits / (hits + misses))
    return np.append(0.0, misses / misses[-1]), shares


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
    abscissae = _RATES[1:] if recall else _RATES

    def heights(score: Floats, truth: Flags, weights: Floats) -> Floats:
        order, ends = tied_order(-score)
        ordered = weights[:, order]
        passed = np.cumsum(ordered, axis=1)[:, ends]
        hits = np.cumsum(ordered * truth[order], axis=1)[:, ends]
        missed = passed - hits
        resampled = np.full((len(weights), len(abscissae)), np.nan)
        rows = np.flatnonzero((hits[:, -1] > 0) & (missed[:, -1] > 0))
        # From (0, 0) on, as the curve starts there.
        shares, rates = np.zeros((2, len(rows), hits.shape[1] + 1))
        shares[:, 1:] = hits[rows] / hits[rows, -1:]
        rates[:, 1:] = missed[rows] / missed[rows, -1:]
        for row, share, rate in zip(rows, shares, rates, strict=True):
            if recall:  # the precision where a recall is first reached
                first = np.searchsorted(share[1:], abscissae - _ROUNDING)
                resampled[row] = hits[row, first] / passed[row, first]
            else:  # where the curve rises straight up, its upper end
                resampled[row] = np.interp(abscissae, rate, share)
        return resampled

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
