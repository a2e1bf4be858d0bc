"""What a model of features rests on: groups, single features, weights, Shapley values."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from skiagram.errors import ModelFailure
from skiagram.explanation.explained_model import STREAM, ExplainedModel, FoldFit, Rows, draw_rows
from skiagram.explanation.importance import (
    Floats,
    accumulate_local_effects,
    auc_loss,
    cluster_features,
    compare_rankings,
    estimate_effects,
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
    LocalEffect,
    ModelCoefficient,
)
from skiagram.models.cross_validation import CrossValidator
from skiagram.seeding import stream


@dataclass(frozen=True)
class FoldImportance:
    """What was measured of a model of features on one fold.

    Attributes:
        clusters: First feature of a cluster → its features.
        of_families: Family → (orders, m) scores of the held-out cases with the family permuted.
        shapley: (features,) mean absolute Shapley values; None where none are known.
    """

    families: dict[str, tuple[str, ...]]
    clusters: dict[str, tuple[str, ...]]
    of_families: dict[str, Floats]
    of_clusters: dict[str, Floats]
    shapley: Floats | None

    @cached_property
    def cluster_of(self) -> dict[str, str]:
        """Return feature → the first feature of its cluster."""
        return {name: first for first, members in self.clusters.items() for name in members}


@dataclass(frozen=True)
class FeatureTask:
    """Importance of features on one fold."""

    model: ExplainedModel
    fit: FoldFit

    def measure(self) -> FoldImportance:
        """Return the scores with groups permuted, and Shapley values."""
        model, fit, options = self.model, self.fit, self.model.options.importance
        training, held_out = (model.table(fit, rows) for rows in (fit.training, fit.held_out))
        families = group_by_family(fit.fitted.features, [*model.families])
        clusters = cluster_features(training, options.correlation)
        orders = np.stack(
            [
                model.stream(fit, "order", n).permutation(len(held_out))
                for n in range(options.orders)
            ]
        )
        rank = model.ranks(fit.fitted)
        of_families, of_clusters = (
            dict(zip(groups, permuted_rankings(rank, held_out, groups, orders), strict=True))
            for groups in (families, clusters)
        )
        shapley = None
        if options.shap_cases and has_shapley_values(fit.fitted):
            background = draw_rows(model.stream(fit, "background"), training, options.background)
            explained = draw_rows(model.stream(fit, "shapley"), held_out, options.shap_cases)
            shares = shapley_values(
                fit.fitted,
                training.select(background),
                held_out.select(explained),
                model.positive,
            )
            shapley = np.abs(shares.values).mean(axis=0)
        return FoldImportance(families, clusters, of_families, of_clusters, shapley)


def explain_features(model: ExplainedModel) -> Features:
    """Say what a model of features rests on."""
    options = model.options.importance
    tasks = [FeatureTask(model, fit) for fit in model.fits]
    measured = list(model.context.compute.map(FeatureTask.measure, tasks))
    names: tuple[str, ...] = model.fits[0].fitted.features
    of_families = [
        GroupImportance(
            family,
            len(members),
            model.measure_loss([measures.of_families[family] for measures in measured]),
        )
        for family, members in measured[0].families.items()
    ]
    pairs = zip(model.fits, measured, strict=True)
    importance = np.array([_feature_importance(model, *pair, names) for pair in pairs])
    average = dict(zip(names, importance.mean(axis=0).tolist(), strict=True))
    first = rank_features(average, [measures.clusters for measures in measured])[: options.first]
    features = tuple(
        FeatureImportance(
            name,
            _relatives(name, measured),
            model.measure_loss(
                [measures.of_clusters[measures.cluster_of[name]] for measures in measured]
            ),
            _local_effects(model, name),
        )
        for name in first
    )
    size = np.array([measures.shapley for measures in measured if measures.shapley is not None])
    mean = size.mean(axis=0) if len(size) else np.empty(0)
    coefficients, resamples = estimate_coefficients(model)
    reason = "none were asked for"
    if options.shap_cases:
        reason = (
            "exact values are known for linear models, single trees, forests and boosting alone"
        )
    return Features(
        families=tuple(
            sorted(of_families, key=lambda explained: -(explained.loss.over_folds.value or 0.0))
        ),
        features=features,
        coefficients=coefficients,
        resamples=resamples,
        shapley=tuple(
            Contribution(names[k], float(mean[k])) for k in np.argsort(-mean)[: options.first]
        ),
        shapley_reason="" if len(size) else reason,
        clusters=compare_rankings(importance, options.first),
        shapley_agreement=compare_rankings(size, options.first) if len(size) else None,
    )


def _feature_importance(
    model: ExplainedModel, fit: FoldFit, measured: FoldImportance, names: Sequence[str]
) -> list[float]:
    """Return the AUC lost with the cluster of each feature."""
    held_out = model.is_positive(fit), model.known.patient_id[fit.held_out]
    lost = {
        first: auc_loss(fit.ranking, scores, *held_out).value
        for first, scores in measured.of_clusters.items()
    }
    return [lost[measured.cluster_of[name]] for name in names]


def _relatives(name: str, measured: Sequence[FoldImportance]) -> tuple[str, ...]:
    """Return the features that stand in the cluster of one in most fits."""
    return tuple(
        other
        for other in measured[0].cluster_of
        if other != name
        and 2
        * sum(measures.cluster_of[other] == measures.cluster_of[name] for measures in measured)
        > len(measured)
    )


def _local_effects(model: ExplainedModel, name: str) -> tuple[LocalEffect, ...]:
    bins = model.options.importance.bins
    effects = (
        accumulate_local_effects(
            model.ranks(fit.fitted), model.table(fit, fit.held_out), name, bins
        )
        for fit in model.first
    )
    return tuple(effect for effect in effects if effect is not None)


def estimate_coefficients(model: ExplainedModel) -> tuple[tuple[ModelCoefficient, ...], int]:
    """Return the largest weights of a linear model fitted on all cases, and the resamples made."""
    options, loads = model.options.importance, model.fits[0].model
    whole: Any = loads
    validator = CrossValidator(loads, model.plan, model.positive)

    def effects(fitted: Any) -> Floats | None:
        table = model.known.inputs.columns(fitted.features)
        return linear_effects(model.ranks(fitted), table)

    final = whole.load(model.final)
    final_effects = effects(final) if options.resamples else None
    if final_effects is None:
        return (), 0
    resampled = []
    for rows in resample_patients(model, options.resamples):
        try:
            fitted = validator.fit(model.known.select(rows), None, STREAM, "coefficients")
        except ModelFailure:
            continue
        drawn = effects(fitted)
        if drawn is not None:
            resampled.append(drawn)
    if len(resampled) < 2:
        return (), 0
    estimates = estimate_effects(final_effects, np.array(resampled))
    coefficients = [
        ModelCoefficient(name, effect, float(np.mean(np.sign(column) == np.sign(value))))
        for name, value, effect, column in zip(
            final.features, final_effects, estimates, np.transpose(resampled), strict=True
        )
    ]
    largest = sorted(coefficients, key=lambda coefficient: -abs(coefficient.effect.value or 0.0))
    return tuple(largest[: options.first]), len(resampled)


def resample_patients(model: ExplainedModel, count: int) -> Iterator[Rows]:
    """Yield rows of patients drawn with replacement, within those of each class."""
    known = model.known
    patients, number = np.unique(known.patient_id, return_inverse=True)
    label = np.zeros(len(patients), dtype=np.int64)
    np.maximum.at(label, number, (known.label == model.positive).astype(np.int64))
    rows_of = [np.flatnonzero(number == patient) for patient in range(len(patients))]
    for replicate in range(count):
        generator = stream(model.plan.seed, STREAM, "resample", replicate)
        classes = (np.flatnonzero(label == k) for k in (0, 1))
        drawn = np.concatenate(
            [generator.choice(members, len(members)) for members in classes if len(members)]
        )
        yield np.sort(np.concatenate([rows_of[patient] for patient in drawn]))
