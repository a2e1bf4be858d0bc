"""How much a model's AUC, decisions and chosen features move with the data and the seed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skiagram.evaluation.labelled_cases import LabelledCases
from skiagram.evaluation.metrics import measure_auc
from skiagram.evaluation.results import Named
from skiagram.records.predictions import Predictions, probabilities_of, scores_of
from skiagram.statistics.discrimination import (
    Floats,
    one_vs_rest_auc,
    roc_auc,
    score_difference,
)
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.linearised import Linearised
from skiagram.statistics.proportions import proportion
from skiagram.statistics.variation import corrected_mean, selection_stability
from skiagram.tasks.scored_cases import ScoredCases

# Of variance: over draws of patients, the seed held fixed; over seeds, the patients held fixed;
# what neither explains alone, as seeds that order other patients well.
SOURCES = ("patients", "seed", "both")


@dataclass(frozen=True)
class FeatureSelection:
    """Which features the fits of the folds kept.

    Attributes:
        agreement: How alike the choices are: 1 the same in every fit, 0 as if drawn at random.
        fits: Number of fits that chose.
        features: Number of features to choose from.
        kept: Mean number of features that a fit kept.
        most_chosen: Up to ten features, the most often chosen first → share of the fits that kept
            it.
    """

    agreement: Estimate
    fits: int
    features: int
    kept: float
    most_chosen: Mapping[str, float]

    def list_figures(self) -> Iterator[Named]:
        """Yield agreement and numbers, then the share of the fits that kept a feature, by it."""
        yield "selection_agreement", "", self.agreement
        yield "choosing_fits", "", Estimate(float(self.fits))
        yield "features_to_choose_from", "", Estimate(float(self.features))
        yield "features_kept", "", Estimate(self.kept)
        for feature, share in self.most_chosen.items():
            yield "chosen_by", feature, Estimate(share)


@dataclass(frozen=True)
class Stability:
    """How much a model's AUC moves when the data or the seed change.

    Attributes:
        fold_auc: Out-of-fold AUC of each fold, repeat after repeat.
        fold_mean: Mean with the Nadeau–Bengio corrected interval.
        fold_sd: Standard deviation over folds.
        seed_auc: AUC of the reported part for each repeat.
        seed_sd: Standard deviation over repeats; None with a single repeat.
        training_gap: Mean training AUC minus mean out-of-fold AUC (over- and underfitting).
        variance: Of `SOURCES`, the part of the variance of a single fit's AUC on the reported
            cases; None with one repeat or more classes.
        flips: Chance that two repeats name different classes for a case; None with a single repeat.
        selection: Which features the folds' fits kept; None for a model that chooses none.
    """

    fold_auc: tuple[float, ...]
    fold_mean: Estimate
    fold_sd: float | None
    seed_auc: tuple[float, ...]
    seed_sd: float | None
    training_gap: Estimate
    variance: Mapping[str, float] | None = None
    flips: Estimate | None = None
    selection: FeatureSelection | None = None

    def list_figures(self) -> Iterator[Named]:
        """Yield the figures in the order of the page."""
        yield "fold_auc_mean", "", self.fold_mean
        yield "training_gap", "", self.training_gap
        for name, spread in (("fold_auc_sd", self.fold_sd), ("seed_auc_sd", self.seed_sd)):
            if spread is not None:
                yield name, "", Estimate(spread)
        if self.flips is not None:
            yield "flips", "", self.flips
        for source, variance in (self.variance or {}).items():
            yield f"variance_{source}", "", Estimate(variance)
        if self.selection is not None:
            yield from self.selection.list_figures()


@dataclass(frozen=True)
class FoldAuc:
    """AUCs of the fits behind the folds, repeat after repeat.

    Attributes:
        held_out: (j,) AUC on cases the fit never saw.
        training: (j,) AUC of the same fit on its own training cases.
    """

    held_out: Floats
    training: Floats
    ratio: float


def fold_auc(predictions: Predictions, development: LabelledCases) -> FoldAuc:
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
    part: pd.DataFrame, development: LabelledCases
) -> Iterator[tuple[tuple[int, int], tuple[float, int]]]:
    """Yield (repeat, fold), (AUC, cases); of inner scores the pairs within an inner fold count."""
    for key, rows in part.groupby(["repeat", "fold"], sort=True):
        cases = development.of(rows["case_id"].tolist(), f"scores of repeat and fold {key}")
        # Only pairs of cases that one fit scored count.
        fit, weights = rows["inner_fold"].to_numpy(dtype=np.int64), np.ones((1, len(cases)))
        if cases.positive is None:
            area = one_vs_rest_auc(probabilities_of(rows), cases.label, weights, fit)
        else:
            ranking = score_difference(scores_of(rows), cases.positive)
            area = roc_auc(ranking, cases.label == cases.positive, weights, fit)
        repeat, fold = (int(number) for number in key)  # type: ignore[call-overload]
        yield (repeat, fold), (float(area[0]), len(rows))


def assess_stability(folds: FoldAuc, reported: ScoredCases, cases: LabelledCases) -> Stability:
    """Summarise the spread over folds and over seeds."""
    area = measure_auc(reported, cases)
    seeds = np.array(area.repeated)
    named = reported.estimate.argmax(axis=2).astype(np.int64)
    flips = proportion(flip_rate(named), cases.patient) if len(named) > 1 else None
    return Stability(
        fold_auc=tuple(folds.held_out.tolist()),
        fold_mean=corrected_mean(folds.held_out, folds.ratio, 0.0, 1.0),
        fold_sd=_spread(folds.held_out),
        seed_auc=tuple(seeds.tolist()),
        seed_sd=_spread(seeds),
        training_gap=corrected_mean(folds.training - folds.held_out, folds.ratio, -1.0, 1.0),
        variance=split_variance(area) if cases.positive is not None and len(seeds) else None,
        flips=flips,
    )


def selection_auc(
    predictions: Predictions, development: LabelledCases, *, nested: bool
) -> Estimate:
    """Estimate the AUC by which a model may be chosen: no reported case has a part in it.

    Args:
        nested: Whether the reported cases are the development cases (`cv`): inner folds then count.
    """
    if nested:
        return inner_auc(predictions, development)
    folds = fold_auc(predictions, development)
    return corrected_mean(folds.held_out, folds.ratio, 0.0, 1.0)


def inner_auc(predictions: Predictions, development: LabelledCases) -> Estimate:
    """Average over outer folds the AUC that inner folds gave within their training cases.

    These sets overlap, so no interval is given.
    """
    values = np.array(list(inner_auc_by_fold(predictions, development).values()))
    values = values[np.isfinite(values)]
    if len(values) == 0:
        return Estimate(None, reason="no inner fold has scores of every class")
    return Estimate(float(values.mean()), method="mean over the inner folds of each outer fold")


def inner_auc_by_fold(
    predictions: Predictions, development: LabelledCases
) -> dict[tuple[int, int], float]:
    """Return (repeat, outer fold) → AUC within its inner folds; NaN where none has a pair."""
    inner = predictions.part("inner")
    return {key: value for key, (value, _) in _groups(inner, development)}


def _spread(values: Floats) -> float | None:
    return float(values.std(ddof=1)) if len(values) > 1 else None


def flip_rate(named: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return, for each case, the chance that two different repeats name different classes.

    Args:
        named: (repeats, n) named class; at least two repeats.

    Returns:
        (n,) in [0, 1].
    """
    repeats = len(named)
    classes = np.arange(named.max() + 1)
    counts = (named[:, :, None] == classes).sum(axis=0)
    agreeing = (counts * (counts - 1)).sum(axis=1)
    rate: NDArray[np.float64] = 1 - agreeing / (repeats * (repeats - 1))
    return rate


def split_variance(ranked: Linearised) -> dict[str, float] | None:
    """Split the variance of a single fit's AUC into components of a crossed random-effects design.

    Every repeat scores the same patients, so patients and seeds are crossed. A single fit's DeLong
    variance holds patients + both, that of the mean over R repeats patients + both / R, and the
    variance of the repeats' AUCs seed + both; solved for the three, none below 0 (method of
    moments, as in Searle, Casella & McCulloch 1992, §4.3).

    Returns:
        None with a single repeat.
    """
    single = ranked.single()
    repeats = len(single)
    if repeats < 2:
        return None
    of_one = float(np.mean([figure.variance() for figure in single]))
    of_mean = ranked.variance()
    between = float(np.var([figure.value for figure in single], ddof=1))
    both = max(0.0, (of_one - of_mean) * repeats / (repeats - 1))
    patients, seed = max(0.0, of_mean - both / repeats), max(0.0, between - both)
    return dict(zip(SOURCES, (patients, seed, both), strict=True))


_FITS = r"repeat\d+-(?:fold\d+|outer\d+-final)"  # neither final nor inner fits
_MAX_NAMED = 10


def assess_feature_selection(table: pd.DataFrame) -> FeatureSelection | None:
    """Compare what the fits of the folds kept; None for a model that chooses no features.

    Under `holdout` these are the fits of the folds, under `cv` those that scored the outer folds.
    Folds share training cases, so the interval is too narrow and the agreement somewhat too high
    for what fresh patients would show.

    Args:
        table: Columns `fit`, `feature` and `chosen`, one row per fit and feature; may be empty.
    """
    if table.empty:
        return None
    of_fits = table[table["fit"].str.fullmatch(_FITS)]
    wide = of_fits.pivot_table(
        index="fit", columns="feature", values="chosen", aggfunc="any", fill_value=False
    ).astype(bool)
    share = {str(name): float(column.mean()) for name, column in wide.items()}
    ranked = sorted((name for name in share if share[name]), key=lambda name: (-share[name], name))
    return FeatureSelection(
        agreement=selection_stability(wide.to_numpy()),
        fits=len(wide),
        features=wide.shape[1],
        kept=float(wide.sum(axis=1).mean()),
        most_chosen={name: share[name] for name in ranked[:_MAX_NAMED]},
    )
