"""From scores, cases and opened labels to all that the report says."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from functools import partial
from itertools import chain, repeat
from pathlib import Path

import joblib
import numpy as np
from numpy.typing import NDArray

from skiagram.compute.workers import IN_PROCESS, Compute
from skiagram.evaluation.arm_selection import (
    MeasuredModel,
    MeasuredRun,
    figure_by_auc,
    list_arms,
    select_arms,
)
from skiagram.evaluation.auc_difference import ComparedModel
from skiagram.evaluation.calibration_assessment import assess_calibration, estimate_decision_curve
from skiagram.evaluation.clinical_utility import assess_utility_of_arms
from skiagram.evaluation.comparisons import (
    compare_models,
    compare_off_near_duplicates,
    rank_trained,
)
from skiagram.evaluation.curves import (
    precision_recall_band,
    precision_recall_of_repeats,
    roc_band,
    roc_curve_of_repeats,
)
from skiagram.evaluation.decisions import judge_operating_points
from skiagram.evaluation.evaluation_record import (
    IDEAL_OBSERVER,
    MAJORITY,
    Evaluation,
)
from skiagram.evaluation.evaluation_set import (
    EvaluationSet,
    assemble_evaluation_set,
    count_label_conflicts,
    warn_of_unequal_patients,
)
from skiagram.evaluation.figure_table import FigureRow, FigureTable, make_row
from skiagram.evaluation.finding import evaluate_finding
from skiagram.evaluation.inputs import EvaluationInputs
from skiagram.evaluation.kept_figures import describe_setting, measure_once
from skiagram.evaluation.labelled_cases import LabelledCases
from skiagram.evaluation.metrics import (
    binary_placements,
    decided_class,
    estimate_auc,
    estimate_class_auc,
    estimate_metrics,
    estimate_partial_auc,
    order_across_fits,
)
from skiagram.evaluation.options import EvaluationOptions, RequestedAnalyses
from skiagram.evaluation.reader_study import study_readers_of_run
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
from skiagram.evaluation.shift import find_shifts, tell_sides_apart
from skiagram.evaluation.sites import check_sites_unseen, find_sites, study_sites_of_run
from skiagram.evaluation.stability import (
    assess_feature_selection,
    assess_stability,
    fold_auc,
    selection_auc,
)
from skiagram.evaluation.subgroups import measure_subgroups
from skiagram.evaluation.subset import find_subset
from skiagram.evaluation.uncertainty import assess_prediction_sets, assess_risk_coverage
from skiagram.evaluation.verdict import with_verdict
from skiagram.evaluation.warnings import state_warnings
from skiagram.records.predictions import Outcome, Predictions
from skiagram.statistics.delong import (
    auc_estimate,
    difference_estimate,
    estimate_efficiency,
)
from skiagram.statistics.discrimination import confusion
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.proportions import proportion


def find_limits(run: MeasuredRun) -> Iterator[FigureRow]:
    """Yield the AUC of the ideal observer, and the accuracy of the commonest class alone.

    That is of naming every case as most development cases are.
    """
    known, reported = run.setting.development, run.setting.cases
    if (ideal := run.setting.ideal_observer()) is not None:
        yield make_row(auc_estimate(ideal), LIMIT, "roc_auc", model=IDEAL_OBSERVER)
    commonest = int(np.bincount(known.label, minlength=len(known.classes)).argmax())
    named = proportion((reported.label == commonest).astype(np.float64), reported.patient)
    yield make_row(named, MAJORITY, "accuracy")


# What is found of a run as a whole: rows of the table, in this order; a new one is added here.
ANALYSES: tuple[Callable[[MeasuredRun], Iterable[FigureRow]], ...] = (
    find_limits,
    lambda run: list_arms(run.arms),
    compare_models,
    compare_off_near_duplicates,
    find_shifts,
    tell_sides_apart,
    rank_trained,
    assess_utility_of_arms,
    study_readers_of_run,
    study_sites_of_run,
)


def evaluate(
    inputs: EvaluationInputs,
    options: EvaluationOptions,
    *,
    seed: int,
    fold_column: str = "",
    compute: Compute = IN_PROCESS,
    work: Path | None = None,
) -> Evaluation:
    """Measure every model on the reported cases and compare the best of each arm.

    Under `holdout` these are the sealed test cases, under `cv` all cases by models that never saw
    their patient.

    Args:
        work: Folder of figures that earlier evaluations have found; None keeps none.
    """
    subset = find_subset(inputs.models, inputs.cases, nested=inputs.task.design == "cv")
    setting = assemble_evaluation_set(
        inputs.cases,
        inputs.task,
        inputs.sealed,
        inputs.truth,
        inputs.duplicates,
        seed,
        options.replicates,
        inputs.covariates,
        subset.case_id if subset else None,
    )
    analyses = options.analyses
    scores = [_reported_scores(model, setting) for model in inputs.models]
    measure = partial(_measure, setting=setting, analyses=analyses)
    results = _measure_all(inputs.models, scores, setting, analyses, compute, work)
    shared = [
        ComparedModel(model_scores, setting.cases, setting.draws) if model_scores else None
        for model_scores in scores
    ]
    models = [MeasuredModel(*of) for of in zip(inputs.models, results, shared, strict=True)]
    by_auc = {model.name: figure_by_auc(model, setting) for model in models}
    arms, contender = select_arms(models, by_auc, setting, analyses.simple_rules, options.deep_arm)
    sites = _find_sites(inputs, setting, fold_column)
    run = MeasuredRun(setting, tuple(models), arms, contender, options, *sites, inputs.traits, work)
    finding, of_finding = None, tuple[FigureRow, ...]()
    if inputs.finding:
        finding, of_finding = evaluate_finding(inputs.finding, run)
    figures = FigureTable(tuple(row for analyse in ANALYSES for row in analyse(run)))
    conflicts = count_label_conflicts(
        _labels(setting.development) | _labels(setting.cases), inputs.duplicates
    )
    near_duplicates = int(setting.has_near_duplicate.sum())
    warnings = state_warnings(
        results,
        setting.cases,
        inputs.task.design,
        near_duplicates,
        conflicts,
        figures,
        is_external=inputs.is_external,
    )
    evaluation = Evaluation(
        task=inputs.task,
        cases={name: _count_by_class(side) for name, side in setting.sides.items()},
        patients={name: side.patients for name, side in setting.sides.items()},
        near_duplicates=near_duplicates,
        models=tuple(results),
        mixtures=tuple(
            measure((of.mixture, of.compared.scores)) for of in arms.values() if of.mixture
        ),
        arms={arm: selected.choice for arm, selected in arms.items()},
        warnings=(
            *([subset.describe()] if subset else []),
            *warnings,
            *warn_of_unequal_patients(setting.cases),
        ),
        margin=options.margin,
        label_conflicts=conflicts,
        prevalence=analyses.prevalence,
        patients_known=inputs.card.patients_known,
        test_sites=inputs.card.test_sites,
        figures=FigureTable((*figures.rows, *of_finding)),
        site_column=run.site_column,
        contender=contender,
        finding=finding,
    )
    return with_verdict(evaluation)


def _measure_all(
    models: Sequence[Predictions],
    scores: Sequence[Scores | None],
    setting: EvaluationSet,
    analyses: RequestedAnalyses,
    compute: Compute,
    work: Path | None,
) -> list[ModelResult]:
    """Measure the models of which no figures are kept, side by side."""
    measure = partial(_measure, setting=setting, analyses=analyses)
    same = joblib.hash((describe_setting(setting), asdict(analyses)))
    results = measure_once(
        work,
        ModelResult,
        _measure,
        [(model, same) for model in models],
        lambda numbers: compute.map_fits(measure, [(models[k], scores[k]) for k in numbers]),
    )
    return [result for result in results if result is not None]


def _find_sites(
    inputs: EvaluationInputs, setting: EvaluationSet, fold_column: str
) -> tuple[str, NDArray[np.str_]]:
    column, site = find_sites(setting, fold_column, inputs.card.test_sites)
    if column and fold_column:
        check_sites_unseen(inputs.models, site, setting)
    return column, site


def _reported_scores(model: Predictions, setting: EvaluationSet) -> Scores | None:
    if model.outcome.status == "failed":
        return None
    return align_scores(model, setting.part, setting.cases)


def _labels(cases: LabelledCases) -> dict[str, int]:
    return dict(zip(cases.case_id.tolist(), cases.label.tolist(), strict=True))


def _count_by_class(cases: LabelledCases) -> dict[str, int]:
    return {name: int((cases.label == k).sum()) for k, name in enumerate(cases.classes)}


def _measure(
    scored: tuple[Predictions, Scores | None], setting: EvaluationSet, analyses: RequestedAnalyses
) -> ModelResult:
    """Measure one model; `scored` has no scores where it failed."""
    model, scores = scored
    if scores is None:
        missing = Estimate(None, reason=model.outcome.reason)
        unknown = [("selection_auc", "", missing)]
        return ModelResult(model.outcome).with_figures(SELECTION, unknown)
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
        seed_auc=stability.seed_auc,
    )
    return (
        result.with_figures(SELECTION, [("selection_auc", "", chosen_by)])
        .with_figures(STABILITY, stability.list_figures())
        .with_figures(OPERATING_POINTS, chain.from_iterable(each.list_figures() for each in points))
        .with_figures(SETS, sets.list_figures(cases.classes))
    )


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
        figures["roc_auc_off_near_duplicates"] = _off_near_duplicates(scores, setting)
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
            ("above_ideal", "", difference_estimate(auc, ideal)),
        ]
        result = result.with_figures(LIMIT, limits)
    return replace(
        result,
        roc=roc_curve_of_repeats(scores.order, positive, scores.fits),
        precision_recall=precision_recall_of_repeats(across, positive),
        roc_band=roc_band(scores.order, positive, draws, scores.fits),
        precision_recall_band=precision_recall_band(across, positive, draws),
    )


def _off_near_duplicates(scores: Scores, setting: EvaluationSet) -> Estimate:
    clean = ~setting.has_near_duplicate
    cases = setting.cases.select(clean)
    if 0 in cases.patients_by_class():
        return Estimate(None, reason="a class has no case without a near duplicate")
    draws = cases.draws(len(setting.draws.counts), setting.seed)
    return estimate_auc(scores.select(clean), cases, draws)
