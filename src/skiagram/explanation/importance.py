"""What the scores of a classical model rest on: groups of features, single features, single cases.

Features of an image are correlated, so one that is permuted alone is replaced by its relatives and
seems to be worth nothing. Here groups are permuted together: families, or clusters of features that
go together in the training cases (permutation importance: Breiman 2001, *Machine Learning* 45:5;
groups: Gregorutti et al. 2015, *Comput. Stat. Data Anal.* 90:15). Scores are those of the positive
class minus those of the other one, in the model's own unit.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import kendalltau, spearmanr
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    ExtraTreesClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.tree import DecisionTreeClassifier

from skiagram.arrays import Flags, Floats, Whole
from skiagram.errors import installed, refusal
from skiagram.explanation.record import Agreement, LocalEffect, Loss
from skiagram.models.classical.estimator import FittedClassical, column_sources
from skiagram.models.classical.linear_models import LinearModel
from skiagram.models.classical.preprocessing import ColumnSelector
from skiagram.records.feature_table import FeatureTable, has_prefix
from skiagram.statistics.delong import auc_of_scores
from skiagram.statistics.distributions import t_quantile
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.linearised import Linearised, combination
from skiagram.statistics.variation import UPPER, corrected_mean, degrees_of_freedom

Ranking = Callable[[FeatureTable], Floats]  # (n,) scores of the cases of a table
Groups = Mapping[str, tuple[str, ...]]  # name of a group → its features

_TREES = (
    DecisionTreeClassifier,
    RandomForestClassifier,
    ExtraTreesClassifier,
    HistGradientBoostingClassifier,
)
OTHER = "other"


def group_by_family(names: Sequence[str], families: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return family, such as `glcm`, → its features; those of no named family are `other`.

    A feature of a filtered image, such as `log_3mm.glcm_contrast`, belongs to the filter where that
    is among the families, else to `glcm`.
    """
    groups: dict[str, list[str]] = {}
    for name in names:
        words = name.split(".")
        endings = (".".join(words[start:]) for start in range(len(words)))
        fitting = ([each for each in families if has_prefix(rest, each)] for rest in endings)
        family = next((max(each, key=len) for each in fitting if each), OTHER)
        groups.setdefault(family, []).append(name)
    return {family: tuple(members) for family, members in groups.items()}


def permuted_rankings(
    ranking: Ranking, table: FeatureTable, groups: Groups, orders: Whole
) -> Floats:
    """Compute (groups, permutations, n) scores of cases whose features of a group were permuted.

    `orders` are (permutations, n) rows from which a group's features are taken.
    """
    # All features of a group take the values of another case together.
    position = {name: column for column, name in enumerate(table.names)}
    scores = np.empty((len(groups), *orders.shape))
    for row, members in enumerate(groups.values()):
        columns = [position[name] for name in members]
        for number, order in enumerate(orders):
            values = table.values.copy()
            values[:, columns] = values[np.ix_(order, columns)]
            scores[row, number] = ranking(FeatureTable(table.case_id, table.names, values))
    return scores


def auc_loss(base: Floats, changed: Floats, positive: Flags, patient: Any) -> Linearised:
    """Compute the loss of AUC as placements: their mean is AUC minus mean changed AUC.

    Args:
        base: (n,) scores as they are.
        changed: (changes, n) scores after as many changes, such as permutations.
    """
    whose = np.unique(patient, return_inverse=True)[1].astype(np.int64)
    after = auc_of_scores(changed, positive, whose).averaged()
    return combination([(1.0, auc_of_scores(base[None], positive, whose)), (-1.0, after)])


def estimate_loss(folds: Sequence[Linearised], repeats: int, ratio: float) -> Loss:
    """Average the losses of folds, repeat after repeat; the folds of one share no patient."""
    # The mean loss, with an interval over fits and one over patients.
    values = np.array([fold.value for fold in folds])
    mean = float(values.mean())
    over_folds = corrected_mean(values, ratio, -1.0)
    if min(fold.fewest_patients for fold in folds) < 2:
        return Loss(over_folds, Estimate(mean, method="too few patients of a class in a fold"))
    # The folds of one repeat are independent given the fits; repeats see the same patients.
    variance = float(np.mean([fold.variance() for fold in folds])) * repeats / len(folds)
    freedom = [degrees_of_freedom(fold.patient, fold.kind) for fold in folds]
    degrees = sum(freedom) / repeats
    quantile = float(t_quantile(UPPER, degrees))
    half = quantile * float(np.sqrt(variance))
    low, high = max(-1.0, mean - half), min(1.0, mean + half)
    return Loss(over_folds, Estimate(mean, low, high, "DeLong, by patient, these fits given"))


def compare_rankings(importance: Floats, top: int) -> Agreement | None:
    """Compare (fits, features) importances by rank and by the first `top` features.

    None where fewer than two fits or features rank.
    """
    # One ranking, or one feature, has nothing to agree with.
    fits, features = importance.shape
    if fits < 2 or features < 2:
        return None
    top = min(top, features)
    # The first features of each fit.
    first = [set(np.argsort(-fit, kind="stable")[:top].tolist()) for fit in importance]
    pairs = list(combinations(range(fits), 2))
    # Ranks say nothing where all features are worth the same.
    varied = [(a, b) for a, b in pairs if np.ptp(importance[a]) > 0 and np.ptp(importance[b]) > 0]
    rho, tau = (
        [float(measure(importance[a], importance[b]).statistic) for a, b in varied] or [0.0]
        for measure in (spearmanr, kendalltau)
    )
    shared = [len(first[a] & first[b]) / len(first[a] | first[b]) for a, b in pairs]
    return Agreement(
        spearman=float(np.mean(rho)),
        kendall=float(np.mean(tau)),
        jaccard=float(np.mean(shared)),
        least_spearman=min(rho),
        least_jaccard=min(shared),
        top=top,
        chance=top / (2 * features - top),
    )


def linear_effects(ranking: Ranking, table: FeatureTable) -> Floats | None:
    """Measure by how much a score rises with one standard deviation of each of (features,).

    Read from the model itself, so it holds through scaling, selection and principal components;
    None where the score is no weighted sum of the features. The table's cases give mean and
    standard deviation of each; gaps play no part.
    """
    # The mean and the spread of each feature, gaps left out.
    values = table.values.astype(np.float64)
    is_finite = np.isfinite(values)
    count = np.maximum(is_finite.sum(axis=0), 1)
    mean = np.where(is_finite, values, 0.0).sum(axis=0) / count
    spread = np.sqrt((np.where(is_finite, values - mean, 0.0) ** 2).sum(axis=0) / count)
    # Cases at the mean, one and two spreads above it, and each feature alone moved.
    features = len(table.names)
    together = mean + np.stack([np.zeros(features), spread, 2 * spread])
    each = [mean + step * np.diag(spread) for step in (1.0, -1.0)]
    rows = np.concatenate([together, *each]).astype(np.float32)
    rise = ranking(FeatureTable(np.arange(len(rows)).astype(str), table.names, rows))
    rise = rise - rise[0]
    steps = rows.astype(np.float64) - rows[0]  # as float32 holds them, not as they were meant
    alone = slice(3, 3 + features)
    step = np.diagonal(steps[alone])
    # Each feature's slope, and how far the others lie off the plane that it makes.
    slope = np.divide(rise[alone], step, out=np.zeros(features), where=step != 0)
    scale = float(np.abs(rise).max())
    bent = float(np.abs(rise - steps @ slope).max())
    # what a larger share of the effects tells is that the score is no weighted sum
    return slope * spread if scale > 0 and bent <= 1e-6 * scale else None


def accumulate_local_effects(
    ranking: Ranking, table: FeatureTable, feature: str, bins: int
) -> LocalEffect | None:
    """Measure how the score changes along a feature, among cases that really have such values.

    Cases of a bin are moved to its two edges and the differences are averaged, then summed from the
    lowest bin on; so no case takes values that go with none of its others (Apley & Zhu 2020,
    *J. R. Stat. Soc. B* 82:1059). None for a feature of one value.
    """
    # Cases without the feature say nothing of its effect.
    column = table.names.index(feature)
    measured_cases = table.select(np.flatnonzero(np.isfinite(table.values[:, column])))
    column_values = measured_cases.values[:, column]
    if len(column_values) == 0:
        return None
    # Bins that hold about equally many cases.
    edge = np.unique(np.quantile(column_values, np.linspace(0, 1, bins + 1), method="inverted_cdf"))
    if len(edge) < 2:
        return None
    bin_of = np.clip(np.searchsorted(edge, column_values, side="left"), 1, len(edge) - 1) - 1
    # How much the score rises from the lower to the upper edge of each case's bin.
    ends = []
    for side in (0, 1):
        values = measured_cases.values.copy()
        values[:, column] = edge[bin_of + side]
        ends.append(ranking(FeatureTable(measured_cases.case_id, measured_cases.names, values)))
    # The mean rise of each bin, summed up and centred.
    count = np.bincount(bin_of, minlength=len(edge) - 1)
    rise = np.bincount(bin_of, weights=ends[1] - ends[0], minlength=len(edge) - 1)
    rise = np.divide(rise, count, out=np.zeros(len(count)), where=count > 0)
    effect = np.concatenate([[0.0], np.cumsum(rise)])
    effect -= float((count * (effect[:-1] + effect[1:]) / 2).sum() / count.sum())
    return LocalEffect(feature, tuple(edge.astype(float).tolist()), tuple(effect.tolist()))


class ShapleyValues(NamedTuple):
    """What each feature adds to the score of each case; a row of values and `base` add up to it.

    The score is the log-odds of boosting, the frequency of the positive class of other trees, the
    score itself of a linear model.
    """

    values: Floats  # (n, features)
    base: float
    score: Floats  # (n,)


def has_shapley_values(fitted: FittedClassical) -> bool:
    """Tell whether exact Shapley values of a model are known: one tree, many, or a linear one."""
    estimator, components = fitted.pipeline[-1], fitted.pipeline["components"]
    if issubclass(fitted.family, LinearModel):
        return True
    return isinstance(estimator, _TREES) and not isinstance(components, PCA)


def shapley_values(
    fitted: FittedClassical, background: FeatureTable, inputs: FeatureTable, positive: int
) -> ShapleyValues:
    """Compute exact interventional Shapley values (Lundberg & Lee 2017; of trees: et al. 2020).

    A feature that is absent takes the background's values, whatever the present ones are. Values
    of an indicator of missing values count to its feature.

    Args:
        fitted: A model of two classes that `has_shapley_values`.
        background: Training cases that stand for an absent feature; the time grows with them.
    """
    # All steps but the last ones are applied before.
    shap = import_shap()
    steps = fitted.pipeline[:-2] if issubclass(fitted.family, LinearModel) else fitted.pipeline[:-1]
    background_values, cases = (
        steps.transform(table.columns(fitted.features).values.astype(np.float64))
        for table in (background, inputs)
    )
    # By default the masker takes 100 of the background cases.
    masker = shap.maskers.Independent(background_values, max_samples=len(background_values))
    if issubclass(fitted.family, LinearModel):
        # Weight of each selected column, and intercept, of the positive minus the negative score.
        estimator, components = fitted.pipeline[-1], fitted.pipeline["components"]
        weights = np.atleast_2d(np.asarray(estimator.coef_, dtype=np.float64))
        intercept = np.atleast_1d(np.asarray(estimator.intercept_, dtype=np.float64))
        if isinstance(components, PCA):
            intercept = intercept - weights @ (components.components_ @ components.mean_)
            weights = weights @ components.components_
        if len(weights) == 1:  # the decision function d of two classes; scores are (−d, d)
            weights = np.stack([-weights[0], weights[0]])
            intercept = np.stack([-intercept, intercept])
        weights = weights[positive] - weights[1 - positive]
        constant = float(np.ravel(intercept[positive] - intercept[1 - positive])[0])
        explainer = shap.LinearExplainer((weights, constant), masker)
        values, base = np.asarray(explainer.shap_values(cases)), float(explainer.expected_value)
        score = cases @ weights + constant
    else:
        # Trees, whose scores are log odds or probabilities.
        estimator = fitted.pipeline[-1]
        explainer = shap.TreeExplainer(estimator, masker, feature_perturbation="interventional")
        values = np.asarray(explainer.shap_values(cases, check_additivity=False))
        bases = np.ravel(explainer.expected_value)
        if values.ndim == 3:  # one column per class
            score = estimator.predict_proba(cases)[:, positive]
            values, base = values[:, :, positive], float(bases[positive])
        else:
            sign = 1.0 if positive == 1 else -1.0
            score = sign * estimator.decision_function(cases)
            values, base = sign * values, sign * float(bases[-1])
    # Shares and base must add up to the score.
    gap = float(np.abs(values.sum(axis=1) + base - score).max(initial=0.0))
    if gap > 1e-4 * max(1.0, float(np.abs(score).max(initial=0.0))):
        raise refusal("explanation.missed_score", fitted.title, gap=gap)
    # Values of a feature and of its indicator of missing values count together.
    source = column_sources(fitted.pipeline["imputation"], len(fitted.features))
    chosen = fitted.pipeline["selection"]
    if isinstance(chosen, ColumnSelector):
        source = source[chosen.chosen_]
    summed = np.zeros((len(values), len(fitted.features)))
    np.add.at(summed.T, source, values.T)
    return ShapleyValues(summed, base, score)


def import_shap() -> Any:
    """Import the package that knows exact Shapley values of trees."""
    where = "explain.importance.shap_cases"
    with installed("the package shap", where, "explain", otherwise="set it to 0"):
        import shap
    return shap


def rank_features(importance: Mapping[str, float], clusters: Iterable[Groups]) -> list[str]:
    """Rank features by falling importance; of those together in most fits only the first."""
    # Features that go together in most fits would fill the list with one another.
    fits = [
        {name: set(groups_of) for groups_of in groups.values() for name in groups_of}
        for groups in clusters
    ]
    chosen: list[str] = []
    for name in sorted(importance, key=lambda feature: -importance[feature]):
        together = (sum(other in groups_of.get(name, ()) for groups_of in fits) for other in chosen)
        if not any(2 * count > len(fits) for count in together):
            chosen.append(name)
    return chosen
