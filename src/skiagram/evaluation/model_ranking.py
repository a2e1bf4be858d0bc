"""Whether the order of the models holds from fold to fold and from patient sample to sample."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2, rankdata

from skiagram.evaluation.results import Estimate, Ranking

Floats = NDArray[np.float64]


def kendall_w(values: Floats) -> tuple[float, float]:
    """Return Kendall's coefficient of concordance, corrected for ties, and its p value.

    W = (Σ over models of (rank sum − mean rank sum)²) / its greatest value; χ² = J (M − 1) W with
    M − 1 degrees of freedom (Kendall & Babington Smith 1939; Siegel & Castellan 1988, §9.7). Folds
    share training cases, so the p value is approximate.

    Args:
        values: (judges, models), ≥ 2 of each, higher = better.

    Returns:
        W in [0, 1], NaN where every judge ties all models; p.
    """
    judges, models = values.shape
    ranks = rankdata(values, axis=1)
    sums = ranks.sum(axis=0)
    ties = sum(
        float((counts**3 - counts).sum())
        for counts in (np.unique(row, return_counts=True)[1] for row in ranks)
    )
    greatest = (judges**2 * (models**3 - models) - judges * ties) / 12
    if greatest <= 0:
        return float("nan"), float("nan")
    w = float(((sums - sums.mean()) ** 2).sum()) / greatest
    return w, float(chi2.sf(judges * (models - 1) * w, models - 1))


def rank_models(folds: Mapping[str, Floats], resampled: Mapping[str, Floats]) -> Ranking:
    """Summarise how the order of the models holds.

    Args:
        folds: Model → (j,) AUC of each fold; equal folds for all models, at least two models.
        resampled: Model → (b,) AUC on equal resamples of the reported cases, NaN where undefined.
    """
    names = list(folds)
    lengths = {len(values) for values in folds.values()}
    first = _first(resampled)
    if len(lengths) != 1:
        unequal = Estimate(None, reason="the models have no AUC of the same folds")
        return Ranking(unequal, None, 0, first=first)
    values = np.column_stack(list(folds.values()))
    if len(values) == 0:
        none = Estimate(None, reason="no fold has every class both in training and held out")
        return Ranking(none, None, 0, first=first)
    means = rankdata(-values, axis=1).mean(axis=0)
    mean_rank = dict(zip(names, means.tolist(), strict=True))
    w, p = kendall_w(values) if len(values) > 1 else (float("nan"), float("nan"))
    if np.isnan(w):
        reason = "a single fold" if len(values) == 1 else "all models are equal in every fold"
        return Ranking(Estimate(None, reason=reason), None, len(values), mean_rank, first)
    return Ranking(Estimate(w, method="Kendall's W"), p, len(values), mean_rank, first)


def _first(resampled: Mapping[str, Floats]) -> dict[str, float]:
    """Return each model's share of resamples in which it is best; ties are shared."""
    values = np.column_stack(list(resampled.values()))
    values = values[np.isfinite(values).all(axis=1)]
    if len(values) == 0:
        return {}
    best = values == values.max(axis=1, keepdims=True)
    share = (best / best.sum(axis=1, keepdims=True)).mean(axis=0)
    return dict(zip(resampled, share.tolist(), strict=True))
