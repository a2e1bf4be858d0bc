"""What a model of features rests on: groups, single features, weights, Shapley values."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from skiagram.errors import ModelFailure
from skiagram.explanation.importance import (
    Agreement,
    LocalEffect,
    Loss,
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
from skiagram.seeding import stream
from skiagram.statistics.estimate import Estimate
from skiagram.studies.candidates import StudiedModel
from skiagram.studies.cross_validation import CrossValidation
from skiagram.studies.explanations.fits import (
    Blanking,
    FoldFit,
    Ground,
    Rows,
    draw_rows,
    fit_count,
    mean_auc,
    measure_blanking,
    measure_loss,
)
from skiagram.studies.explanations.galleries import Contribution, ShownCase, show_cases
from skiagram.studies.explanations.regions import NAME, Floats


@dataclass(frozen=True)
class GroupImportance:
    """A group of features, how many these are, and the AUC lost where it is permuted."""

    group: str
    features: int
    loss: Loss


@dataclass(frozen=True)
class FeatureImportance:
    """A feature with all that goes with it.

    Attributes:
        loss: AUC lost where its cluster is permuted.
    """

    feature: str
    relatives: tuple[str, ...]
    loss: Loss
    effects: tuple[LocalEffect, ...]


@dataclass(frozen=True)
class Coefficient:
    """The weight of a feature in a linear model.

    Attributes:
        effect: Change of the score with one standard deviation of the feature.
        same_sign: Share of the resamples in which it has the same sign.
    """

    feature: str
    effect: Estimate
    same_sign: float


@dataclass(frozen=True)
class ClassicalExplanation(StudiedModel):
    """What a model of features rests on.

    Attributes:
        features: The first few features, of those that go together only one.
        coefficients: The largest weights; empty where the score is no weighted sum.
        shapley: Feature → mean absolute Shapley value, the largest; empty where none are known.
    """

    auc: Estimate
    families: tuple[GroupImportance, ...]
    features: tuple[FeatureImportance, ...]
    coefficients: tuple[Coefficient, ...]
    resamples: int
    shapley: tuple[Contribution, ...]
    shapley_reason: str
    clusters: Agreement | None
    shapley_agreement: Agreement | None
    blanking: Blanking | None
    cases: tuple[ShownCase, ...]


def examine_features(fit: FoldFit) -> Path:
    """Return the piece with the permuted scores and Shapley values of one fold."""
    options = fit.importance

    def make(folder: Path) -> None:
        fitted = fit.fitted
        training, held_out = fit.table(fit.fold.training), fit.table(fit.fold.held_out)
        groups = {
            "families": group_by_family(fitted.features, fit.families),
            "clusters": cluster_features(training, options.correlation),
        }
        orders = np.stack(
            [fit.stream("order", n).permutation(len(held_out)) for n in range(options.orders)]
        )
        with fit.cv.workspace.compute.limit():
            for name, members in groups.items():
                changed = permuted_rankings(fit.model_ranking(fitted), held_out, members, orders)
                np.save(folder / f"{name}.npy", changed, allow_pickle=False)
            if options.shap_cases and has_shapley_values(fitted):
                background = draw_rows(fit.stream("background"), training, options.background)
                explained = draw_rows(fit.stream("shapley"), held_out, options.shap_cases)
                shares = shapley_values(
                    fitted,
                    training.select(background),
                    held_out.select(explained),
                    int(fit.cv.positive or 0),
                )
                np.save(folder / "shapley.npy", shares.values, allow_pickle=False)
        (folder / "groups.json").write_text(json.dumps(groups), encoding="utf-8")

    families = list(fit.families)
    inputs = {"fit": fit.folder.name, "families": families, "options": asdict(options)}
    code = type(fit.candidate), type(fit.fitted)
    return fit.cv.workspace.make_once("importance", inputs, make, *code)


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

    @classmethod
    def read(cls, piece: Path) -> "FoldImportance":
        groups = json.loads((piece / "groups.json").read_text(encoding="utf-8"))
        families, clusters = (
            {name: tuple(members) for name, members in groups[kind].items()}
            for kind in ("families", "clusters")
        )
        values = piece / "shapley.npy"
        return cls(
            families,
            clusters,
            dict(zip(families, np.load(piece / "families.npy"), strict=True)),
            dict(zip(clusters, np.load(piece / "clusters.npy"), strict=True)),
            np.abs(np.load(values)).mean(axis=0) if values.exists() else None,
        )

    @cached_property
    def cluster_of(self) -> dict[str, str]:
        """Return feature → the first feature of its cluster."""
        return {name: first for first, members in self.clusters.items() for name in members}


def explain_features(
    ground: Ground, model: StudiedModel, folds: Sequence[FoldFit], gallery: int
) -> ClassicalExplanation:
    """Say what a model of features rests on."""
    options, workspace = folds[0].importance, ground.cv.workspace
    pieces = workspace.run(f"{NAME}: {model.model}", examine_features, folds, fits=False)
    measured = [FoldImportance.read(piece) for piece in pieces]
    names: tuple[str, ...] = folds[0].fitted.features
    families = [
        GroupImportance(
            family,
            len(members),
            measure_loss(folds, [measures.of_families[family] for measures in measured]),
        )
        for family, members in measured[0].families.items()
    ]
    pairs = zip(folds, measured, strict=True)
    importance = np.array([_feature_importance(*pair, names) for pair in pairs])
    average = dict(zip(names, importance.mean(axis=0).tolist(), strict=True))
    first = rank_features(average, [measures.clusters for measures in measured])[: options.first]
    features = tuple(
        FeatureImportance(
            name,
            _relatives(name, measured),
            measure_loss(
                folds, [measures.of_clusters[measures.cluster_of[name]] for measures in measured]
            ),
            _local_effects(folds, name, options.bins),
        )
        for name in first
    )
    size = np.array([measures.shapley for measures in measured if measures.shapley is not None])
    mean = size.mean(axis=0) if len(size) else np.empty(0)
    coefficients, resamples = estimate_coefficients(folds[0])
    reason = "none were asked for"
    if options.shap_cases:
        reason = (
            "exact values are known for linear models, single trees, forests and boosting alone"
        )
    return ClassicalExplanation(
        **vars(model),
        auc=mean_auc(folds),
        families=tuple(
            sorted(families, key=lambda explained: -(explained.loss.over_folds.value or 0.0))
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
        blanking=measure_blanking(ground, folds),
        cases=show_cases(ground, folds, gallery, {}),
    )


def _feature_importance(
    fit: FoldFit, measured: FoldImportance, names: Sequence[str]
) -> list[float]:
    """Return the AUC lost with the cluster of each feature."""
    lost = {
        first: auc_loss(fit.ranking, scores, fit.positive, fit.patient).mean
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


def _local_effects(folds: Sequence[FoldFit], name: str, bins: int) -> tuple[LocalEffect, ...]:
    effects = []
    for fit in folds[: fit_count(folds)]:
        fitted = fit.fitted
        table = fit.table(fit.fold.held_out)
        with fit.cv.workspace.compute.limit():
            effect = accumulate_local_effects(fit.model_ranking(fitted), table, name, bins)
        if effect is not None:
            effects.append(effect)
    return tuple(effects)


def estimate_coefficients(fit: FoldFit) -> tuple[tuple[Coefficient, ...], int]:
    """Return the largest weights of a linear model fitted on all cases, and the resamples made."""
    cv, count, first = fit.cv, fit.importance.resamples, fit.importance.first

    def effects(rows: Rows, *name: str) -> Floats | None:
        try:
            fitted: Any = cv.fit(fit.candidate, rows, NAME, *name)
        except ModelFailure:
            return None
        table = fit.read(cv.case_id).columns(fitted.features)
        return linear_effects(fit.model_ranking(fitted), table)

    def make(folder: Path) -> None:
        own = effects(np.arange(len(cv)), "coefficients")
        samples = [] if own is None else resample_patients(cv, count)
        drawn = [effects(rows, "coefficients") for rows in samples]
        fitted = [drawing for drawing in drawn if drawing is not None]
        np.save(folder / "own.npy", np.empty(0) if own is None else own, allow_pickle=False)
        np.save(folder / "resampled.npy", np.array(fitted), allow_pickle=False)

    if (
        count == 0
        or linear_effects(fit.model_ranking(fit.fitted), fit.table(fit.fold.held_out)) is None
    ):
        return (), 0
    inputs, code = cv.inputs(fit.candidate) | {"resamples": count}, type(fit.candidate)
    folder = cv.workspace.make_once("coefficients", inputs, make, code, type(fit.fitted))
    own, resampled = np.load(folder / "own.npy"), np.load(folder / "resampled.npy")
    if len(own) == 0 or len(resampled) < 2:
        return (), 0
    names = fit.fitted.features
    coefficients = [
        Coefficient(name, effect, float(np.mean(np.sign(column) == np.sign(value))))
        for name, value, effect, column in zip(
            names, own, estimate_effects(own, resampled), resampled.T, strict=True
        )
    ]
    largest = sorted(coefficients, key=lambda coefficient: -abs(coefficient.effect.value or 0.0))
    return tuple(largest[:first]), len(resampled)


def resample_patients(cv: CrossValidation, count: int) -> Iterator[Rows]:
    """Yield rows of patients drawn with replacement, within those of each class."""
    patients, number = np.unique(cv.patient_id, return_inverse=True)
    label = np.zeros(len(patients), dtype=np.int64)
    np.maximum.at(label, number, (cv.label == cv.positive).astype(np.int64))
    rows_of = [np.flatnonzero(number == patient) for patient in range(len(patients))]
    for replicate in range(count):
        generator = stream(cv.plan.seed, NAME, "resample", replicate)
        classes = (np.flatnonzero(label == k) for k in (0, 1))
        drawn = np.concatenate([generator.choice(own, len(own)) for own in classes if len(own)])
        yield np.sort(np.concatenate([rows_of[patient] for patient in drawn]))
