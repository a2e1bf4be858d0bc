"""From scores, cases and opened labels to all that the report says."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

from skiagram.compute.workers import IN_PROCESS, Compute
from skiagram.evaluation.arm_selection import SelectedArm, select_arms, select_contender
from skiagram.evaluation.auc_difference import ComparedModel
from skiagram.evaluation.calibration_assessment import assess_calibration, estimate_decision_curve
from skiagram.evaluation.clinical_utility import assess_clinical_utility
from skiagram.evaluation.comparisons import ComparisonSpec, compare_models, compare_on
from skiagram.evaluation.curves import (
    precision_recall_band,
    precision_recall_of_repeats,
    roc_band,
    roc_curve_of_repeats,
)
from skiagram.evaluation.estimation import (
    binary_placements,
    decided_class,
    estimate_auc,
    estimate_class_auc,
    estimate_partial_auc,
)
from skiagram.evaluation.evaluation_record import (
    ClinicalUtility,
    Contender,
    Evaluation,
    ReaderStudy,
    SiteStudy,
)
from skiagram.evaluation.evaluation_set import (
    EvaluationSet,
    assemble_evaluation_set,
    count_label_conflicts,
    warn_of_unequal_patients,
)
from skiagram.evaluation.labelled_cases import LabelledCases
from skiagram.evaluation.metrics import estimate_metrics
from skiagram.evaluation.operating_points import judge_operating_points
from skiagram.evaluation.options import (
    DEFAULT_MARGIN,
    NO_REQUESTS,
    DeepArm,
    RequestedAnalyses,
)
from skiagram.evaluation.reader_study import study_readers
from skiagram.evaluation.reference_baseline import estimate_majority_accuracy
from skiagram.evaluation.results import DecisionCurve, ModelResult, Subgroup
from skiagram.evaluation.scores import ModelScores, Scores, align_scores, held_out_scores
from skiagram.evaluation.shift import CaseTraits, compare_sides, find_shifts
from skiagram.evaluation.sites import check_sites_unseen, find_sites, study_sites
from skiagram.evaluation.stability import (
    assess_feature_selection,
    assess_stability,
    fold_auc,
    inner_auc,
)
from skiagram.evaluation.subgroups import measure_subgroups
from skiagram.evaluation.uncertainty import assess_prediction_sets, assess_risk_coverage
from skiagram.evaluation.verdict import state_warnings, with_verdict
from skiagram.records import Cases, Task
from skiagram.statistics.bootstrap import draw_patients
from skiagram.statistics.delong import (
    auc_estimate,
    estimate_above_ideal,
    estimate_efficiency,
    has_leaked,
)
from skiagram.statistics.discrimination import confusion
from skiagram.statistics.estimate import Estimate

_NO_PAIRS = pd.DataFrame({"first": [], "second": []})


def evaluate(
    models: Sequence[ModelScores],
    cases: Cases,
    task: Task,
    sealed: pd.DataFrame,
    *,
    seed: int,
    truth: pd.DataFrame | None = None,
    duplicates: pd.DataFrame = _NO_PAIRS,
    margin: float = DEFAULT_MARGIN,
    replicates: int = 2000,
    compare: Sequence[tuple[str, str]] = (),
    patients_known: bool = True,
    questions: RequestedAnalyses = NO_REQUESTS,
    covariates: pd.DataFrame | None = None,
    test_sites: Sequence[str] = (),
    fold_column: str = "",
    traits: CaseTraits | None = None,
    deep_arm: DeepArm = "either",
    compute: Compute = IN_PROCESS,
) -> Evaluation:
    """Measure every model on the reported cases and compare the best of each arm.

    Under `holdout` these are the sealed test cases, under `cv` all cases by models that never saw
    their patient.

    Args:
        models: All models, in the order of the report; a failed one keeps its row.
        cases: The case table.
        task: The classification task.
        sealed: Columns `case_id`, `label` of the test cases; empty under `cv`.
        seed: Seed of the bootstrap.
        truth: Columns `case_id`, `ideal_score` of generated data, else None.
        duplicates: Columns `first`, `second`: case ids of near duplicates and transformed copies.
        margin: Smallest AUC difference that counts as worthwhile.
        replicates: Bootstrap resamples.
        compare: Pairs of models whose difference is asked for besides that of the best.
        patients_known: False where groups of near duplicates stand in for patients.
        questions: Operating points, a prevalence and reference baselines.
        covariates: `case_id` and columns whose values define subgroups.
        test_sites: Sites that only the test cases come from.
        fold_column: Column of the covariates whose values were the folds; empty where folds were
            drawn.
        traits: What may tell test from development cases; None does not ask.
        deep_arm: Which models may stand against the classical ones.
        compute: Where models are measured side by side; no figure depends on it.

    Raises:
        OptionError: A pair names a model that is not in the run.
        DataError: Ids of scores, labels and cases do not match, or a score is not finite.
    """
    setting = assemble_evaluation_set(
        cases, task, sealed, truth, duplicates, seed, replicates, covariates
    )
    scores = {model.outcome.model: _reported_scores(model, setting) for model in models}
    measure = partial(_measure, setting=setting, questions=questions)
    measured = compute.map_fits(measure, list(zip(models, scores.values(), strict=True)))
    results = dict(zip(scores, measured, strict=True))
    compared = {
        name: ComparedModel(own, setting.cases, setting.draws)
        for name, own in scores.items()
        if own
    }
    rules = questions.reference_baselines
    arms = select_arms(models, results, compared, setting, rules)
    best = {arm: selected.choice.model for arm, selected in arms.items()}
    contender, selected = select_contender(
        arms, models, results, compared, setting, rules, deep_arm
    )
    if selected is not None:
        arms[contender] = selected
    comparisons = compare_models(
        ComparisonSpec(results, compared, arms, rules, compare, margin, contender)
    )
    conflicts = count_label_conflicts(
        _labels(setting.development) | _labels(setting.cases), duplicates
    )
    every, n_near_duplicates = tuple(results.values()), int(setting.has_near_duplicate.sum())
    clean = None
    if n_near_duplicates:
        left = {name: compared[name] for name in rules if name in compared}
        clean = compare_on(~setting.has_near_duplicate, arms, left, margin, seed, contender)
    domain = compare_sides(setting, traits)
    warnings = state_warnings(
        every, setting.cases, task.design, n_near_duplicates, conflicts, domain
    )
    evaluation = Evaluation(
        task=task,
        part=setting.part,
        cases={name: _count_by_class(side) for name, side in setting.sides.items()},
        patients={name: len(np.unique(side.patient)) for name, side in setting.sides.items()},
        near_duplicates=n_near_duplicates,
        models=every,
        best=best,
        arms={arm: selected.choice for arm, selected in arms.items()},
        difference=comparisons.primary.difference if comparisons.primary else None,
        ideal=None if setting.ideal is None else auc_estimate(setting.ideal),
        verdict="",
        warnings=(*warnings, *warn_of_unequal_patients(setting.cases), *comparisons.unbeaten()),
        margin=margin,
        label_conflicts=conflicts,
        prevalence=questions.prevalence,
        majority_accuracy=estimate_majority_accuracy(setting.development, setting.cases),
        off_near_duplicates=clean,
        shifts=find_shifts(models, compared, setting),
        domain=domain,
        patients_known=patients_known,
        test_sites=tuple(test_sites),
        utility=_clinical_utility(arms, contender, setting, questions),
        readers=_study_readers(models, compared, arms),
        sites=_study_sites(models, arms, contender, setting, fold_column, test_sites, questions),
        contender=contender,
        **vars(comparisons),
    )
    return with_verdict(evaluation)


def _clinical_utility(
    arms: Mapping[str, SelectedArm],
    contender: Contender,
    setting: EvaluationSet,
    questions: RequestedAnalyses,
) -> ClinicalUtility | None:
    if not {contender, "classical"} <= set(arms):
        return None
    network, classical = (arms[arm].compared.scores for arm in (contender, "classical"))
    return assess_clinical_utility(
        network, classical, setting.cases, setting.development,
        questions.thresholds, questions.prevalence,
    )  # fmt: skip


def _study_readers(
    models: Sequence[ModelScores],
    compared: Mapping[str, ComparedModel],
    arms: Mapping[str, SelectedArm],
) -> ReaderStudy | None:
    readers = [model.outcome.model for model in models if model.outcome.arm == "reader"]
    own = {name: compared[name].placements for name in readers if name in compared}
    chosen = {
        arm: selected.compared.placements for arm, selected in arms.items() if arm != "either"
    }
    return study_readers(
        {name: scores for name, scores in own.items() if scores},
        {arm: selected for arm, selected in chosen.items() if selected},
    )


def _study_sites(
    models: Sequence[ModelScores],
    arms: Mapping[str, SelectedArm],
    contender: Contender,
    setting: EvaluationSet,
    fold_column: str,
    test_sites: Sequence[str],
    questions: RequestedAnalyses,
) -> SiteStudy | None:
    sites = find_sites(setting, fold_column, test_sites)
    if sites is None:
        return None
    if fold_column:
        check_sites_unseen(models, sites[1], setting)
    return study_sites(*sites, arms, setting, questions.least_patients, contender)


def _reported_scores(model: ModelScores, setting: EvaluationSet) -> Scores | None:
    if model.outcome.status == "failed":
        return None
    several_fits = setting.design == "cv" and model.outcome.arm != "reader"
    return align_scores(model, setting.part, setting.cases, pooled=several_fits)


def _labels(cases: LabelledCases) -> dict[str, int]:
    return dict(zip(cases.case_id.tolist(), cases.label.tolist(), strict=True))


def _count_by_class(cases: LabelledCases) -> dict[str, int]:
    return {name: int((cases.label == k).sum()) for k, name in enumerate(cases.classes)}


def _measure(
    scored: tuple[ModelScores, Scores | None],
    setting: EvaluationSet,
    questions: RequestedAnalyses,
) -> ModelResult:
    return measure_model(*scored, setting, questions)


def measure_model(
    model: ModelScores, scores: Scores | None, setting: EvaluationSet, questions: RequestedAnalyses
) -> ModelResult:
    """Measure one model.

    Args:
        model: Outcome and predictions.
        scores: Its scores on the reported cases; None for a failed model.
        setting: What it is measured against.
        questions: What is asked beyond the figures that are always there.

    Raises:
        DataError: Ids of out-of-fold scores and development cases do not match.
    """
    if scores is None:
        return ModelResult(model.outcome, {}, Estimate(None, reason=model.outcome.reason))
    cases, predictions = setting.cases, model.predictions
    figures = estimate_metrics(scores, cases, setting.draws)
    if cases.positive is not None:
        wanted = questions.partial_auc
        figures["partial_roc_auc"] = estimate_partial_auc(scores, cases, setting.draws, wanted)
    if setting.has_near_duplicate.any():
        figures["roc_auc_off_near_duplicates"] = _off_near_duplicates(scores, setting)
    align_scores(model, "out_of_fold", setting.development, pooled=True)
    held_out = list(held_out_scores(model, setting))
    stability = assess_stability(fold_auc(predictions, setting.development), scores, cases)
    stability = replace(stability, selection=assess_feature_selection(model.selection))
    nested = setting.design == "cv"
    auc = binary_placements(scores, cases)
    above = estimate_above_ideal(auc, setting.ideal) if auc and setting.ideal else None
    tables = [confusion(each, cases.label, len(cases.classes)) for each in decided_class(scores)]
    positive = cases.label == cases.positive
    drawn = None if auc is None else scores.ranking
    return ModelResult(
        outcome=model.outcome,
        metrics=figures,
        selection_auc=(
            inner_auc(predictions, setting.development) if nested else stability.fold_mean
        ),
        stability=stability,
        confusion=tuple(tuple(row) for row in np.mean(tables, axis=0).tolist()),
        efficiency=estimate_efficiency(auc, setting.ideal) if auc and setting.ideal else None,
        above_ideal=above,
        leaked=above is not None and has_leaked(above),
        roc=None if drawn is None else roc_curve_of_repeats(drawn, positive),
        precision_recall=None if drawn is None else precision_recall_of_repeats(drawn, positive),
        roc_band=None if drawn is None else roc_band(drawn, positive, setting.draws),
        precision_recall_band=(
            None if drawn is None else precision_recall_band(drawn, positive, setting.draws)
        ),
        class_auc=estimate_class_auc(scores, cases),
        operating_points=judge_operating_points(scores, held_out, questions, cases, setting.draws),
        calibration=assess_calibration(scores, cases),
        decision_curve=_decision_curve(scores, setting),
        prediction_sets=assess_prediction_sets(scores, held_out, cases),
        risk_coverage=assess_risk_coverage(scores, cases, setting.draws),
        subgroups=_subgroups(scores, setting, questions.least_patients),
    )


def _decision_curve(scores: Scores, setting: EvaluationSet) -> DecisionCurve | None:
    if setting.cases.positive is None:
        return None
    positive = setting.cases.label == setting.cases.positive
    return estimate_decision_curve(
        scores.probability[:, :, setting.cases.positive], positive, setting.draws
    )


def _subgroups(scores: Scores, setting: EvaluationSet, least: int) -> tuple[Subgroup, ...]:
    if setting.covariates is None:
        return ()
    return measure_subgroups(scores, setting, setting.covariates, least)


def _off_near_duplicates(scores: Scores, setting: EvaluationSet) -> Estimate:
    clean = ~setting.has_near_duplicate
    cases = setting.cases.select(clean)
    if 0 in cases.patients_by_class():
        return Estimate(None, reason="a class has no case without a near duplicate")
    smallest = min(cases.patients_by_class())
    draws = draw_patients(
        cases.patient, smallest, len(setting.draws.counts), setting.seed, cases.degrees_of_freedom()
    )
    return estimate_auc(scores.select(clean), cases, draws)
