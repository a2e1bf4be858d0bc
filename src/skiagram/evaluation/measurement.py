"""One model measured: from its scores on the reported cases to rows of figures and curves."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain, repeat

import numpy as np

from skiagram.compute.workers import Compute
from skiagram.evaluation.arm_selection import (
    MeasuredModel,
    SelectedArm,
    SelectionFigure,
    figure_by_auc,
)
from skiagram.evaluation.calibration_assessment import assess_calibration, estimate_decision_curve
from skiagram.evaluation.compared_classifier import ComparedClassifier
from skiagram.evaluation.compared_estimator import (
    ComparedEstimator,
    choose_estimator,
    measure_estimator,
)
from skiagram.evaluation.compared_model import ComparedModel
from skiagram.evaluation.curves import (
    precision_recall_band,
    precision_recall_of_repeats,
    roc_band,
    roc_curve_of_repeats,
)
from skiagram.evaluation.decisions import judge_operating_points
from skiagram.evaluation.evaluation_set import EvaluationSet
from skiagram.evaluation.metrics import (
    binary_placements,
    decided_class,
    estimate_auc,
    estimate_class_auc,
    estimate_metrics,
    estimate_partial_auc,
    order_across_fits,
)
from skiagram.evaluation.options import RequestedAnalyses
from skiagram.evaluation.results import (
    CALIBRATION,
    CLASSES,
    LIMIT,
    METRICS,
    OPERATING_POINTS,
    REFERRAL,
    SELECTION,
    SETS,
    STABILITY,
    SUBGROUPS,
    ModelResult,
)
from skiagram.evaluation.scores import Scores, align_scores, held_out_probabilities
from skiagram.evaluation.stability import (
    assess_feature_selection,
    assess_stability,
    fold_auc,
    selection_auc,
)
from skiagram.evaluation.subgroups import measure_subgroups
from skiagram.evaluation.uncertainty import assess_prediction_sets, assess_risk_coverage
from skiagram.records.predictions import Outcome, Predictions
from skiagram.statistics.delong import estimate_efficiency
from skiagram.statistics.discrimination import confusion
from skiagram.statistics.estimate import Estimate


def measure_models(
    models: Sequence[Predictions],
    setting: EvaluationSet,
    analyses: RequestedAnalyses,
    compute: Compute,
) -> tuple[MeasuredModel, ...]:
    """Measure every model, several side by side."""
    compared = [
        None if model.outcome.status == "failed" else compare_on(setting, model) for model in models
    ]
    measure = partial(_measure, setting=setting, analyses=analyses)
    return tuple(compute.map(measure, zip(models, compared, strict=True), releases_lock=True))


def compare_on(setting: EvaluationSet, model: Predictions) -> ComparedModel:
    """Line the scores of a model up with the reported cases, as its task asks."""
    kind = ComparedClassifier if setting.outcome is None else ComparedEstimator
    return kind.on(setting, model)


def measure_mixtures(
    arms: Mapping[str, SelectedArm], setting: EvaluationSet, analyses: RequestedAnalyses
) -> tuple[MeasuredModel, ...]:
    """Measure what stands for an arm whose folds chose different models, as a model is."""
    measure = partial(_measure, setting=setting, analyses=analyses)
    return tuple(
        measure((selected.mixture, selected.compared))
        for selected in arms.values()
        if selected.mixture
    )


def _measure(
    scored: tuple[Predictions, ComparedModel | None],
    setting: EvaluationSet,
    analyses: RequestedAnalyses,
) -> MeasuredModel:
    """Measure one model; nothing of it is compared where it failed."""
    model, compared = scored
    if isinstance(compared, ComparedEstimator):
        choice = choose_estimator(model, compared, setting)
        result = measure_estimator(model.outcome, compared, setting, choice)
        return MeasuredModel(model, result, compared, choice)
    if not isinstance(compared, ComparedClassifier):
        unknown = [(setting.task.selection, "", Estimate(None, reason=model.outcome.reason))]
        result = ModelResult(model.outcome).with_figures(SELECTION, unknown)
        return MeasuredModel(model, result, None, SelectionFigure(None))
    scores = compared.scores
    align_scores(model, "out_of_fold", setting.development)  # refuses what is missing
    held_out = list(held_out_probabilities(model, setting))
    cases, draws = setting.cases, setting.draws
    stability = assess_stability(fold_auc(model, setting.development), scores, cases)
    stability = replace(stability, selection=assess_feature_selection(model.selection))
    chosen_by = selection_auc(model, setting.development, nested=setting.design == "cv")
    points = judge_operating_points(scores, held_out, analyses, cases, draws)
    sets = assess_prediction_sets(scores, held_out, cases)
    result = replace(
        measure_scores(model.outcome, scores, setting, analyses),
        fold_auc=stability.fold_auc,
        by_repeat=stability.seed_auc,
    )
    result = (
        result.with_figures(SELECTION, [("selection_auc", "", chosen_by)])
        .with_figures(STABILITY, stability.list_figures())
        .with_figures(OPERATING_POINTS, chain.from_iterable(each.list_figures() for each in points))
        .with_figures(SETS, sets.list_figures(cases.classes))
    )
    return MeasuredModel(model, result, compared, figure_by_auc(model, chosen_by, setting))


def measure_scores(
    outcome: Outcome, scores: Scores, setting: EvaluationSet, analyses: RequestedAnalyses
) -> ModelResult:
    """Return what scores on the reported cases alone tell of a model, whoever made them."""
    cases, draws = setting.cases, setting.draws
    figures = estimate_metrics(scores, cases, draws)
    if cases.positive is not None:
        figures["partial_roc_auc"] = estimate_partial_auc(
            scores, cases, draws, analyses.partial_auc
        )
    if setting.has_near_duplicate.any():
        clean = ~setting.has_near_duplicate
        others, reason = cases.select(clean), "a class has no case without a near duplicate"
        auc = Estimate(None, reason=reason)
        if 0 not in others.patients_by_class().values():
            of_others = others.draws(draws.replicates, setting.seed)
            auc = estimate_auc(scores.select(clean), others, of_others)
        figures["roc_auc_off_near_duplicates"] = auc
    tables = [confusion(each, cases.label, len(cases.classes)) for each in decided_class(scores)]
    calibration, referral = (
        assess_calibration(scores, cases),
        assess_risk_coverage(scores, cases, draws),
    )
    subgroups = measure_subgroups(scores, setting, analyses.least_patients)
    of_classes = zip(
        repeat("roc_auc"), cases.classes, estimate_class_auc(scores, cases), strict=False
    )
    result = ModelResult(
        outcome=outcome,
        confusion=tuple(tuple(row) for row in np.mean(tables, axis=0).tolist()),
        reliability=calibration.reliability,
        risk_coverage=referral.curve,
        parts=tuple(subgroup.part for subgroup in subgroups),
    )
    result = (
        result.with_figures(METRICS, ((name, "", value) for name, value in figures.items()))
        .with_figures(CLASSES, of_classes)
        .with_figures(CALIBRATION, calibration.list_figures())
        .with_figures(REFERRAL, [("area", "", referral.area)])
        .with_rows(SUBGROUPS, (row for each in subgroups for row in each.list_rows(outcome.model)))
    )
    return result if cases.positive is None else _add_binary(result, scores, setting)


def _add_binary(result: ModelResult, scores: Scores, setting: EvaluationSet) -> ModelResult:
    """Add what is defined for two classes alone; curves where both occur."""
    cases, draws = setting.cases, setting.draws
    positive = cases.label == cases.positive
    probability = scores.probability[:, :, cases.positive]
    result = replace(result, decision_curve=estimate_decision_curve(probability, positive, draws))
    auc, across = binary_placements(scores, cases), order_across_fits(scores, cases)
    if auc is None:
        return result
    ideal = setting.ideal_observer(scores.fit)
    if ideal is not None:
        limits = [
            ("efficiency", "", estimate_efficiency(auc, ideal)),
            ("above_ideal", "", (auc - ideal).estimate()),
        ]
        result = result.with_figures(LIMIT, limits)
    return replace(
        result,
        roc=roc_curve_of_repeats(scores.order, positive, scores.fits),
        precision_recall=precision_recall_of_repeats(across, positive),
        roc_band=roc_band(scores.order, positive, draws, scores.fits),
        precision_recall_band=precision_recall_band(across, positive, draws),
    )
