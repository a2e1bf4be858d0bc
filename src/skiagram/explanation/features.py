"""What a model of features rests on: groups, single features, weights, Shapley values."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

from skiagram.arrays import Floats
from skiagram.errors import ModelFailure
from skiagram.explanation.clusters import cluster_features
from skiagram.explanation.explained_model import STREAM, ExplainedModel, FoldFit, draw_rows
from skiagram.explanation.importance import (
    accumulate_local_effects,
    auc_loss,
    compare_rankings,
    group_by_family,
    has_shapley_values,
    linear_effects,
    permuted_rankings,
    rank_features,
    shapley_values,
)
from skiagram.explanation.record import (
    Contribution,
    FeatureImportance,
    Features,
    GroupImportance,
    ModelCoefficient,
)
from skiagram.fitting.cross_validation import CrossValidator
from skiagram.seeding import stream
from skiagram.statistics.bootstrap import LEVELS
from skiagram.statistics.estimate import Estimate


@dataclass(frozen=True)
class FoldImportance:
    """What was measured of a model of features on one fold.

    Attributes:
        clusters: First feature of a cluster → its features.
        family_scores: Family → (orders, m) scores of the held-out cases with the family permuted.
        cluster_scores: The same of clusters.
        shapley: (features,) mean absolute Shapley values; None where none are known.
    """

    families: dict[str, tuple[str, ...]]
    clusters: dict[str, tuple[str, ...]]
    family_scores: dict[str, Floats]
    cluster_scores: dict[str, Floats]
    shapley: Floats | None

    @cached_property
    def cluster_of(self) -> dict[str, str]:
        """Return feature → the first feature of its cluster."""
        return {name: first for first, members in self.clusters.items() for name in members}


def measure_fold(model: ExplainedModel, fit: FoldFit) -> FoldImportance:
    """Compute the scores of one fold with groups of features permuted, and Shapley values."""
    # Groups of features: families, and clusters of those that go together.
    options = model.options.importance
    training, held_out = (model.table(fit, rows) for rows in (fit.training, fit.held_out))
    families = group_by_family(fit.fitted.features, [*model.families])
    clusters = cluster_features(training, options.correlation)
    # the same permutations for all groups
    orders = np.stack(
        [model.stream(fit, "order", n).permutation(len(held_out)) for n in range(options.orders)]
    )
    rank = model.ranks(fit.fitted)
    family_scores, cluster_scores = (
        dict(zip(groups, permuted_rankings(rank, held_out, groups, orders), strict=True))
        for groups in (families, clusters)
    )
    # Shapley values, where exact ones are known.
    shapley = None
    if options.shap_cases and has_shapley_values(fit.fitted):
        background = draw_rows(model.stream(fit, "background"), training, options.background)
        explained = draw_rows(model.stream(fit, "shapley"), held_out, options.shap_cases)
        shares = shapley_values(
            fit.fitted, training.select(background), held_out.select(explained), model.positive
        )
        shapley = np.abs(shares.values).mean(axis=0)
    return FoldImportance(families, clusters, family_scores, cluster_scores, shapley)


def explain_features(model: ExplainedModel) -> Features:
    """Say what a model of features rests on."""
    # Each fold by a worker of its own.
    options = model.options.importance
    folds = list(model.context.compute.map(partial(measure_fold, model), model.fits))
    names: tuple[str, ...] = model.fits[0].fitted.features
    # What is lost with each family.
    families = [
        GroupImportance(
            family, len(members), model.measure_loss([fold.family_scores[family] for fold in folds])
        )
        for family, members in folds[0].families.items()
    ]
    families.sort(key=lambda explained: -(explained.loss.over_folds.value or 0.0))
    # Each feature is worth what is lost with its cluster; (fits, features).
    importance = []
    for fit, fold in zip(model.fits, folds, strict=True):
        held_out = model.is_positive(fit), model.known.patient_id[fit.held_out]
        lost = {
            first: auc_loss(fit.ranking, scores, *held_out).value
            for first, scores in fold.cluster_scores.items()
        }
        importance.append([lost[fold.cluster_of[name]] for name in names])
    average = dict(zip(names, np.mean(importance, axis=0).tolist(), strict=True))
    chosen = rank_features(average, [fold.clusters for fold in folds])[: options.first]
    # Mean absolute Shapley values, where they are known
    sizes = np.array([fold.shapley for fold in folds if fold.shapley is not None])
    mean = sizes.mean(axis=0) if len(sizes) else np.empty(0)
    reason = "none were asked for"
    if options.shap_cases:
        reason = (
            "exact values are known for linear models, single trees, forests and boosting alone"
        )
    coefficients, resamples = estimate_coefficients(model)
    return Features(
        families=tuple(families),
        features=tuple(_describe_feature(model, name, folds) for name in chosen),
        coefficients=coefficients,
        resamples=resamples,
        shapley=tuple(
            Contribution(names[k], float(mean[k])) for k in np.argsort(-mean)[: options.first]
        ),
        shapley_reason="" if len(sizes) else reason,
        clusters=compare_rankings(np.array(importance), options.first),
        shapley_agreement=compare_rankings(sizes, options.first) if len(sizes) else None,
    )


def _describe_feature(
    model: ExplainedModel, name: str, folds: Sequence[FoldImportance]
) -> FeatureImportance:
    """Describe a feature with those of its cluster in most fits, its loss and its local effects."""
    # Features that share its cluster in most folds are named beside it.
    together = Counter(
        other for fold in folds for other in fold.clusters[fold.cluster_of[name]] if other != name
    )
    relatives = (other for other in folds[0].cluster_of if 2 * together[other] > len(folds))
    loss = model.measure_loss([fold.cluster_scores[fold.cluster_of[name]] for fold in folds])
    # How the score changes along the feature, in the folds of the first repeat.
    effects = (
        accumulate_local_effects(
            model.ranks(fit.fitted),
            model.table(fit, fit.held_out),
            name,
            model.options.importance.bins,
        )
        for fit in model.first
    )
    known_effects = tuple(effect for effect in effects if effect is not None)
    return FeatureImportance(name, tuple(relatives), loss, known_effects)


def estimate_coefficients(model: ExplainedModel) -> tuple[tuple[ModelCoefficient, ...], int]:
    """Return the largest weights of a linear model fitted on all cases, and the resamples made."""
    # The final model's effects are the figures.
    options, loads = model.options.importance, model.fits[0].model
    validator = CrossValidator(loads, model.plan, model.positive)

    def effects(fitted: Any) -> Floats | None:
        table = model.known.inputs.columns(fitted.features)
        return linear_effects(model.ranks(fitted), table)

    final: Any = loads.load(model.final)
    final_effects = effects(final) if options.resamples else None
    if final_effects is None:
        return (), 0
    # Patients of each class; one with a positive case counts as positive.
    patients, number = np.unique(model.known.patient_id, return_inverse=True)
    label = np.zeros(len(patients), dtype=np.int64)
    np.maximum.at(label, number, (model.known.label == model.positive).astype(np.int64))
    rows_of = [np.flatnonzero(number == patient) for patient in range(len(patients))]
    # The same of resamples of patients, class by class; one that cannot be fitted is left out.
    resampled = []
    for replicate in range(options.resamples):
        generator = stream(model.plan.seed, STREAM, "resample", replicate)
        classes = (np.flatnonzero(label == k) for k in (0, 1))
        drawn = np.concatenate(
            [generator.choice(members, len(members)) for members in classes if len(members)]
        )
        rows = np.sort(np.concatenate([rows_of[patient] for patient in drawn]))
        try:
            fitted = validator.fit(model.known.select(rows), STREAM, "coefficients")
        except ModelFailure:
            continue
        resampled_effects = effects(fitted)
        if resampled_effects is not None:
            resampled.append(resampled_effects)
    if len(resampled) < 2:
        return (), 0
    # Percentiles of the resamples are the interval of each weight.
    low, high = np.quantile(resampled, LEVELS, axis=0)
    method = "percentile bootstrap by patient"
    coefficients = [
        ModelCoefficient(
            name,
            Estimate(float(value), float(low[column]), float(high[column]), method),
            float(np.mean(np.sign([drawn[column] for drawn in resampled]) == np.sign(value))),
        )
        for column, (name, value) in enumerate(zip(final.features, final_effects, strict=True))
    ]
    # The largest ones are shown.
    largest = sorted(coefficients, key=lambda coefficient: -abs(coefficient.effect.value or 0.0))
    return tuple(largest[: options.first]), len(resampled)
