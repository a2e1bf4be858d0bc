"""What a model of features rests on: groups, and single features."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from skiagram.arrays import Floats
from skiagram.explanation.clusters import cluster_features
from skiagram.explanation.explained_model import ExplainedModel, FoldFit
from skiagram.explanation.importance import (
    accumulate_local_effects,
    auc_loss,
    compare_rankings,
    group_by_family,
    permuted_rankings,
    rank_features,
)
from skiagram.explanation.record import FeatureImportance, Features, GroupImportance


@dataclass(frozen=True)
class FoldImportance:
    """What was measured of a model of features on one fold.

    Attributes:
        clusters: First feature of a cluster → its features.
        family_scores: Family → (orders, m) scores of the held-out cases with the family permuted.
        cluster_scores: The same of clusters.
    """

    families: dict[str, tuple[str, ...]]
    clusters: dict[str, tuple[str, ...]]
    family_scores: dict[str, Floats]
    cluster_scores: dict[str, Floats]

    @cached_property
    def cluster_of(self) -> dict[str, str]:
        """Return feature → the first feature of its cluster."""
        return {name: first for first, members in self.clusters.items() for name in members}


def measure_fold(model: ExplainedModel, fit: FoldFit) -> FoldImportance:
    """Compute the scores of one fold with groups of features permuted."""
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
    return FoldImportance(families, clusters, family_scores, cluster_scores)


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
    return Features(
        families=tuple(families),
        features=tuple(_describe_feature(model, name, folds) for name in chosen),
        clusters=compare_rankings(np.array(importance), options.first),
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
