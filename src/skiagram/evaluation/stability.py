"""How much a model's AUC, decisions and chosen features move with the data and the seed."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from skiagram.arrays import Floats, Whole
from skiagram.evaluation.compared_model import ComparedModel
from skiagram.evaluation.labelled_cases import LabelledCases
from skiagram.evaluation.results import Named
from skiagram.records.predictions import Part, Predictions, probabilities_of, scores_of
from skiagram.statistics.discrimination import one_vs_rest_auc, roc_auc, score_difference
from skiagram.statistics.proportions import proportion
from skiagram.statistics.variation import corrected_mean, selection_stability

# Of variance: over draws of patients, the seed held fixed; over seeds, the patients held fixed;
# what neither explains alone, as seeds that order other patients well.


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
    """Compute the AUC of every fold that has all classes on both sides.

    Args:
        predictions: With the parts `out_of_fold` and `training`.
        development: Cases with their labels.

    Returns:
        Of the cases that a fold held out and of those that it learned from, with held-out cases per
        training case, by which the variance over folds is corrected (Nadeau & Bengio 2003).
    """
    held_out = dict(_measure_folds(predictions, "out_of_fold", development))
    training = dict(_measure_folds(predictions, "training", development))
    both = [key for key in held_out if key in training]
    both = [key for key in both if np.isfinite(held_out[key][0] + training[key][0])]
    sizes = np.array([[held_out[key][1], training[key][1]] for key in both]).reshape(-1, 2)
    return FoldAuc(
        np.array([held_out[key][0] for key in both]),
        np.array([training[key][0] for key in both]),
        float(sizes[:, 0].sum() / sizes[:, 1].sum()) if both else 0.0,
    )


def _measure_folds(
    predictions: Predictions, part: Part, development: LabelledCases
) -> Iterator[tuple[tuple[int, int], tuple[float, int]]]:
    """Yield (repeat, fold), (AUC, cases); of inner scores the pairs within an inner fold count."""
    for key, rows in predictions.by_fold(part):
        cases = development.of(rows["case_id"].tolist(), f"scores of repeat and fold {key}")
        # Only pairs of cases that one fit scored count.
        fit, weights = rows["inner_fold"].to_numpy(dtype=np.int64), np.ones((1, len(cases)))
        if cases.positive is None:
            area = one_vs_rest_auc(probabilities_of(rows), cases.label, weights, fit)
        else:
            ranking = score_difference(scores_of(rows), cases.positive)
            area = roc_auc(ranking, cases.is_positive, weights, fit)
        yield key, (float(area[0]), len(rows))


def inner_auc_by_fold(
    predictions: Predictions, development: LabelledCases
) -> dict[tuple[int, int], float]:
    """Compute the AUC within the inner folds of each outer fold, by which models are chosen.

    Returns:
        (repeat, outer fold) → AUC; NaN where no inner fold has a pair.
    """
    return {key: area for key, (area, _) in _measure_folds(predictions, "inner", development)}


def assess_stability(
    folds: FoldAuc, model: ComparedModel, selection: pd.DataFrame
) -> Iterator[Named]:
    """Yield how much a model's AUC, decisions and features move with the data and the seed.

    `fold_auc_mean` has the corrected interval of Nadeau and Bengio; `training_gap` is the mean
    training AUC minus it (over- and underfitting); `fold_auc_sd` and `seed_auc_sd` are standard
    deviations over folds and over repeats; `flips` is the chance that two repeats name different
    classes for a case. What takes several folds or repeats is left out without them.

    Args:
        selection: Which features the fits chose; see `assess_feature_selection`.
    """
    # AUC over folds and seeds, and how far training is ahead.
    reported, seeds = model.scored, np.array(model.figure.repeated)
    yield "fold_auc_mean", "", corrected_mean(folds.held_out, folds.ratio, 0.0)
    gap = corrected_mean(folds.training - folds.held_out, folds.ratio, -1.0)
    yield "training_gap", "", gap
    for name, values in (("fold_auc_sd", folds.held_out), ("seed_auc_sd", seeds)):
        if len(values) > 1:
            yield name, "", values.std(ddof=1)
    # How decisions and AUC move with the seed.
    if reported.repeats > 1:
        yield "flips", "", proportion(flip_rate(reported.decided), reported.patient)
    yield from assess_feature_selection(selection)


def flip_rate(named: Whole) -> Floats:
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
    rate: Floats = 1 - agreeing / (repeats * (repeats - 1))
    return rate


_FITS = r"repeat\d+-(?:fold\d+|outer\d+-final)"  # neither final nor inner fits
# How many of the chosen features are named.
_MAX_NAMED = 10


def assess_feature_selection(table: pd.DataFrame) -> Iterator[Named]:
    """Yield how alike the features are that the fits of the folds kept, and which are kept most.

    Folds share training cases, so the interval is too narrow and the agreement somewhat too high
    for what fresh patients would show. A model whose fits of folds choose none yields nothing.

    Args:
        table: Columns `fit`, `feature` and `chosen`, one row per fit and feature; may be empty.
    """
    if not table.empty:
        table = table[table["fit"].str.fullmatch(_FITS)]
    if table.empty:
        return
    # Fits by features: which fit kept which feature.
    wide = table.pivot_table(
        index="fit", columns="feature", values="chosen", aggfunc="any", fill_value=False
    ).astype(bool)
    yield "selection_agreement", "", selection_stability(wide.to_numpy())
    yield "choosing_fits", "", len(wide)
    yield "features_to_choose_from", "", wide.shape[1]
    yield "features_kept", "", wide.sum(axis=1).mean()
    # The features that most fits kept, by name where equal.
    share = {str(name): float(column.mean()) for name, column in wide.items()}
    ranked = sorted((name for name in share if share[name]), key=lambda name: (-share[name], name))
    for name in ranked[:_MAX_NAMED]:
        yield "chosen_by", name, share[name]
