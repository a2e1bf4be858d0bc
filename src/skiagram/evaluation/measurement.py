"""One model measured: from its scores on the reported cases to rows of figures and curves."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from skiagram.compute.workers import Compute
from skiagram.evaluation.arm_selection import (
    MeasuredModel,
    MeasuredRun,
    SelectedArm,
    find_selection_figures,
    select_arms,
)
from skiagram.evaluation.calibration_assessment import assess_calibration, estimate_decision_curve
from skiagram.evaluation.compared_model import ComparedModel
from skiagram.evaluation.curves import (
    curve_band,
    mean_curve,
)
from skiagram.evaluation.decisions import judge_operating_points
from skiagram.evaluation.evaluation_record import OFF_NEAR_DUPLICATES
from skiagram.evaluation.evaluation_set import EvaluationSet
from skiagram.evaluation.metrics import (
    estimate_class_auc,
    estimate_metric,
    estimate_metrics,
    list_estimators,
    order_across_fits,
)
from skiagram.evaluation.options import EvaluationOptions, RequestedAnalyses
from skiagram.evaluation.results import (
    CALIBRATION,
    CLASSES,
    DECISIONS_OFF_COPIES,
    LIMIT,
    METRICS,
    OPERATING_POINTS,
    SELECTION,
    STABILITY,
    SUBGROUPS,
    ModelResult,
    Named,
)
from skiagram.evaluation.scores import held_out_probabilities
from skiagram.evaluation.stability import (
    assess_stability,
    fold_auc,
)
from skiagram.evaluation.subgroups import measure_subgroups
from skiagram.records.predictions import Outcome, Predictions
from skiagram.statistics.delong import estimate_efficiency
from skiagram.statistics.discrimination import confusion
from skiagram.statistics.estimate import Estimate


def measure_run(
    models: Sequence[Predictions],
    setting: EvaluationSet,
    options: EvaluationOptions,
    compute: Compute,
    figure_names: Sequence[str] | None = None,
) -> MeasuredRun:
    """Measure every model, several side by side, choose what stands for each arm, and measure that.

    Args:
        figure_names: Figures that are asked for besides the primary one, and nothing else then;
            None for all that the task has, and every analysis of a model.
    """
    measure = partial(
        _measure, setting=setting, analyses=options.analyses, figure_names=figure_names
    )
    scored = [
        (model, None if model.outcome.status == "failed" else ComparedModel.on(setting, model))
        for model in models
    ]
    measured = tuple(compute.map(measure, scored, releases_lock=True))
    # The choice does not see the reported labels.
    chosen_by = {model.name: model.chosen_by for model in measured}
    arms, contender = select_arms(measured, chosen_by, setting, options)
    run = MeasuredRun(setting, measured, arms, contender, options)
    return measure_mixtures(run, arms.values(), compute, figure_names)


def measure_mixtures(
    run: MeasuredRun,
    arms: Iterable[SelectedArm],
    compute: Compute,
    figure_names: Sequence[str] | None = None,
) -> MeasuredRun:
    """Measure the mixtures of models that folds chose for arms; others are passed over."""
    measure = partial(
        _measure,
        setting=run.setting,
        analyses=run.options.analyses,
        figure_names=figure_names,
    )
    # They are lined up already.
    mixed = [(arm.mixture, arm.compared) for arm in arms if arm.mixture]
    mixtures = compute.map(measure, mixed, releases_lock=True)
    return replace(run, mixtures=(*run.mixtures, *mixtures))


def _measure(
    scored: tuple[Predictions, ComparedModel | None],
    setting: EvaluationSet,
    analyses: RequestedAnalyses,
    figure_names: Sequence[str] | None,
) -> MeasuredModel:
    """Measure one model; nothing of it is compared where it failed."""
    model, compared = scored
    # A model that failed has its reason and nothing else.
    if compared is None:
        unknown = [
            (setting.task.predicted.selection, "", Estimate(None, reason=model.outcome.reason))
        ]
        result = ModelResult(model.outcome).with_figures(SELECTION, unknown)
        return MeasuredModel(model, result, None, {})
    # a row of a learning curve learns, and is scored, on some of the development cases
    if figure_names is None:
        ComparedModel.out_of_fold(setting, model)  # refuses what is missing
    chosen_by, shown = find_selection_figures(model, setting)
    # The figures on the reported cases, and the one that chose it.
    result = replace(
        measure_model(model.outcome, compared, setting, analyses, figure_names),
        by_repeat=tuple(compared.figure.repeated),
    ).with_figures(SELECTION, [(setting.task.predicted.selection, "", shown)])
    # What a model of generated data is worth beside the ideal observer.
    ideal = compared.ideal(setting, within_fits=True)
    if ideal is not None and np.isfinite(compared.figure.value):
        above = (compared.figure - ideal).estimate()
        above = above.negate() if compared.predicted.lower_is_better else above
        limits = [("above_ideal", "", above)]
        if setting.task.defines("efficiency"):
            efficiency = estimate_efficiency(compared.figure, ideal)
            limits = [("efficiency", "", efficiency), *limits]
        result = result.with_figures(LIMIT, limits)
    if figure_names is None and setting.task.defines(STABILITY):
        # What takes the scores of the folds: stability and thresholds.
        held_out = list(held_out_probabilities(model, setting))
        folds = fold_auc(model, setting.development)
        points = judge_operating_points(compared, held_out, analyses, setting.draws)
        stability = assess_stability(folds, compared, model.selection)
        result = (
            replace(result, fold_auc=tuple(folds.held_out.tolist()))
            .with_figures(STABILITY, stability)
            .with_figures(OPERATING_POINTS, points)
        )
    return MeasuredModel(model, result, compared, chosen_by)


def measure_model(
    outcome: Outcome,
    model: ComparedModel,
    setting: EvaluationSet,
    analyses: RequestedAnalyses,
    figure_names: Sequence[str] | None = None,
) -> ModelResult:
    """Measure what scores on the reported cases alone tell of a model, whoever made them.

    Args:
        figure_names: As `measure_run` has them.
    """
    draws, predicted = setting.draws, model.predicted
    names = None if figure_names is None else [predicted.primary, *figure_names]
    figures: list[Named] = []
    # Of a measured outcome its own figures; of classes the usual metrics.
    if names == [predicted.primary]:  # no other is measured for nothing
        figures.append((predicted.primary, "", model.estimate()))
    elif predicted.has_value:
        measured = predicted.measure(model.scored)
        figures += [
            (each.name, each.group, each.figure.estimate())
            for each in measured
            if names is None or each.name in names
        ]
    else:  # shares and curves of decisions
        metrics = estimate_metrics(model, draws, names)
        figures += [(name, "", estimate) for name, estimate in metrics.items()]
    if names is not None:
        return ModelResult(outcome).with_figures(METRICS, figures)
    # The primary figure once more, without cases that a model may only remember.
    decisions, copied = list[Named](), setting.has_near_duplicate
    if copied.any():
        clean = None if copied.all() else model.select(~copied)
        missing = Estimate(None, reason="each case has a near duplicate")
        value = missing if clean is None else clean.estimate()
        figures.append((f"{predicted.primary}_{OFF_NEAR_DUPLICATES}", "", value))
        # And the shares that are decided correctly.
        for name in ("accuracy", "sensitivity", "specificity"):
            if not predicted.has_value and name in list_estimators(predicted):
                value = missing if clean is None else estimate_metric(name, clean, draws)
                decisions.append((name, "", value))
    result = ModelResult(outcome).with_figures(METRICS, figures)
    if predicted.has_value:
        return result
    result = result.with_figures(DECISIONS_OFF_COPIES, decisions)
    return _add_decisions(result, model, setting, analyses)


def _add_decisions(
    result: ModelResult, model: ComparedModel, setting: EvaluationSet, analyses: RequestedAnalyses
) -> ModelResult:
    """Add what the probabilities of classes tell, and the decisions by them."""
    scores, classes, draws = model.scored, model.predicted.classes, setting.draws
    # Confusion tables.
    tables = [confusion(each, scores.label, len(classes)) for each in scores.decided]
    # Subgroups of the covariates, with enough patients each.
    parts, rows_of_parts = measure_subgroups(
        model, setting, analyses.least_patients, result.outcome.model
    )
    # One class against the others.
    areas = zip(classes, estimate_class_auc(model), strict=False)
    result = replace(
        result,
        confusion=tuple(tuple(row) for row in np.mean(tables, axis=0).tolist()),
        parts=parts,
    )
    result = (
        result.with_figures(CLASSES, (("roc_auc", class_name, area) for class_name, area in areas))
        .with_figures(CALIBRATION, assess_calibration(model))
        .with_rows(SUBGROUPS, rows_of_parts)
    )
    if model.predicted.positive is None:
        return result
    # What is defined for two classes alone; curves where both occur.
    positive = model.is_positive
    curve = estimate_decision_curve(model.probability, positive, draws)
    result = replace(result, decision_curve=curve)
    # A curve needs cases of both classes in each fit.
    if model.tells_apart.find_missing_pairs(scores):
        return result
    across = order_across_fits(model)
    return replace(
        result,
        roc=mean_curve(scores.score, positive, scores.fits),
        precision_recall=mean_curve(across, positive, recall=True),
        roc_band=curve_band(scores.score, positive, draws, scores.fits),
        precision_recall_band=curve_band(across, positive, draws, recall=True),
    )
