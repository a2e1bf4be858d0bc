"""How much a model's AUC moves from fold to fold and from seed to seed."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from skiagram.evaluation.discrimination import one_vs_rest_auc, roc_auc
from skiagram.evaluation.proportions import proportion
from skiagram.evaluation.reference import Reference
from skiagram.evaluation.reported import Scores, ranking
from skiagram.evaluation.results import Estimate, Stability
from skiagram.evaluation.stability.flips import flip_rate
from skiagram.evaluation.stability.variance import variance_split
from skiagram.predictions import Predictions

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class FoldAuc:
    """AUCs of the fits behind the folds, repeat after repeat.

    Attributes:
        held_out: (j,) AUC on cases the fit never saw.
        training: (j,) AUC of the same fit on its own training cases.
        ratio: Held-out over training cases.
    """

    held_out: Floats
    training: Floats
    ratio: float


def auc(scores: Floats, probability: Floats, cases: Reference) -> Floats:
    """Return (1,) the AUC of one fit: of the score difference, or one-vs-rest of probabilities."""
    weights = np.ones((1, len(cases)))
    if cases.positive is None:
        return one_vs_rest_auc(probability, cases.label, weights)
    return roc_auc(ranking(scores, cases.positive), cases.label == cases.positive, weights)


def fold_auc(predictions: Predictions, development: Reference) -> FoldAuc:
    """Return the AUC of every fold that has all classes on both sides."""
    held_out = dict(_groups(predictions.part("out_of_fold"), development))
    training = dict(_groups(predictions.part("training"), development))
    both = [key for key in held_out if key in training]
    both = [key for key in both if np.isfinite(held_out[key][0] + training[key][0])]
    sizes = np.array([[held_out[key][1], training[key][1]] for key in both]).reshape(-1, 2)
    return FoldAuc(
        np.array([held_out[key][0] for key in both]),
        np.array([training[key][0] for key in both]),
        float(sizes[:, 0].sum() / sizes[:, 1].sum()) if both else 0.0,
    )


def _groups(
    part: Predictions, development: Reference, pooled: bool = False
) -> Iterator[tuple[object, tuple[float, int]]]:
    """Yield (repeat, fold), (AUC, cases); pooled scores of several fits rank by probability."""
    for key, rows in part.table.groupby(["repeat", "fold"], sort=True):
        one = Predictions(rows)
        cases = development.of(rows["case_id"].tolist(), f"scores of repeat and fold {key}")
        probability = one.probabilities()
        order = probability if pooled else one.scores()
        yield key, (float(auc(order, probability, cases)[0]), len(rows))


def corrected_mean(values: Floats, ratio: float, low: float, high: float) -> Estimate:
    """Average fold figures with the corrected resampled t interval (Nadeau & Bengio 2003).

    Folds share training cases, so s²/J is too small: the variance is (1/J + n₂/n₁) s², with
    J − 1 degrees of freedom.

    Args:
        values: (j,) a figure a fold.
        ratio: n₂/n₁, held-out over training cases.
        low: Least value that the figure can have.
        high: Greatest value that the figure can have.
    """
    folds = len(values)
    if folds == 0:
        return Estimate(None, reason="no fold has every class on both sides")
    mean = float(values.mean())
    if folds < 2:
        return Estimate(mean, method="one fold")
    half = float(t.ppf(0.975, folds - 1) * np.sqrt((1 / folds + ratio) * values.var(ddof=1)))
    return Estimate(mean, max(low, mean - half), min(high, mean + half), "Nadeau–Bengio over folds")


def stability(folds: FoldAuc, reported: Scores, cases: Reference) -> Stability:
    """Summarise the spread over folds and over seeds.

    Args:
        folds: AUCs of the folds.
        reported: The reported scores, repeat after repeat.
        cases: The reported cases.
    """
    seeds = seed_auc(reported, cases)
    split = None
    if reported.ranking is not None and 0 not in cases.patients_by_class():
        split = variance_split(reported.ranking, cases.label == cases.positive, cases.patient)
    return Stability(
        fold_auc=tuple(folds.held_out.tolist()),
        fold_mean=corrected_mean(folds.held_out, folds.ratio, 0.0, 1.0),
        fold_sd=_spread(folds.held_out),
        seed_auc=tuple(seeds.tolist()),
        seed_sd=_spread(seeds),
        training_gap=corrected_mean(folds.training - folds.held_out, folds.ratio, -1.0, 1.0),
        variance=split,
        flips=_flips(reported, cases),
    )


def _flips(reported: Scores, cases: Reference) -> Estimate | None:
    named = reported.probability.argmax(axis=2).astype(np.int64)
    return proportion(flip_rate(named), cases.patient) if len(named) > 1 else None


def seed_auc(reported: Scores, cases: Reference) -> Floats:
    """Return (repeats,) the AUC on the reported cases; empty where a class has none."""
    weights = np.ones((1, len(cases)))
    if reported.ranking is not None:
        positive = cases.label == cases.positive
        areas = [roc_auc(one, positive, weights) for one in reported.ranking]
    else:
        areas = [one_vs_rest_auc(one, cases.label, weights) for one in reported.probability]
    values = np.concatenate(areas)
    return values[np.isfinite(values)]


def inner_auc(predictions: Predictions, development: Reference) -> Estimate:
    """Average over outer folds the AUC that inner folds gave within their training cases.

    These sets overlap, so no interval is given.
    """
    inner = predictions.part("inner")
    values = np.array([value for _, (value, _) in _groups(inner, development, pooled=True)])
    values = values[np.isfinite(values)]
    if len(values) == 0:
        return Estimate(None, reason="no inner scores of every class")
    return Estimate(float(values.mean()), method="mean over the inner folds of each outer fold")


def _spread(values: Floats) -> float | None:
    return float(values.std(ddof=1)) if len(values) > 1 else None
