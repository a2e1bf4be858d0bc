"""From scores, cases and opened labels to all that the report says."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from skiagram.compute.workers import IN_PROCESS, Compute
from skiagram.evaluation.arm_selection import MeasuredRun, figure_by_auc, list_arms, select_arms
from skiagram.evaluation.clinical_utility import assess_utility_of_arms
from skiagram.evaluation.comparisons import (
    compare_models,
    compare_off_near_duplicates,
    rank_trained,
)
from skiagram.evaluation.evaluation_record import IDEAL_OBSERVER, MAJORITY, Evaluation
from skiagram.evaluation.evaluation_set import assemble_evaluation_set
from skiagram.evaluation.figure_table import FigureRow, FigureTable, make_row
from skiagram.evaluation.finding import evaluate_finding
from skiagram.evaluation.inputs import EvaluationInputs
from skiagram.evaluation.measurement import measure_mixtures, measure_models
from skiagram.evaluation.options import EvaluationOptions
from skiagram.evaluation.reader_study import study_readers_of_run
from skiagram.evaluation.results import LIMIT
from skiagram.evaluation.shift import find_shifts, tell_sides_apart
from skiagram.evaluation.sites import find_sites, study_sites_of_run
from skiagram.evaluation.subset import find_subset
from skiagram.evaluation.verdict import with_verdict
from skiagram.evaluation.warnings import state_warnings
from skiagram.statistics.proportions import proportion


def find_limits(run: MeasuredRun) -> Iterator[FigureRow]:
    """Yield the AUC of the ideal observer, and the accuracy of the commonest class alone.

    That is of naming every case as most development cases are.
    """
    known, reported = run.setting.development, run.setting.cases
    if (ideal := run.setting.ideal_observer()) is not None:
        yield make_row(ideal.estimate(), LIMIT, "roc_auc", model=IDEAL_OBSERVER)
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
) -> Evaluation:
    """Measure every model on the reported cases and compare the best of each arm.

    Under `holdout` these are the sealed test cases, under `cv` all cases by models that never saw
    their patient.
    """
    subset = find_subset(inputs)
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
    models = measure_models(inputs.models, setting, analyses, compute)
    by_auc = {model.name: figure_by_auc(model, setting) for model in models}
    arms, contender = select_arms(models, by_auc, setting, analyses.simple_rules, options.deep_arm)
    sites = find_sites(setting, fold_column, inputs.card.test_sites, inputs.models)
    run = MeasuredRun(setting, models, arms, contender, options, *sites, inputs.traits)
    finding, of_finding = None, tuple[FigureRow, ...]()
    if inputs.finding:
        finding, of_finding = evaluate_finding(inputs.finding, run)
    figures = FigureTable(tuple(row for analyse in ANALYSES for row in analyse(run)))
    results = tuple(model.result for model in models)
    warnings = state_warnings(results, setting, figures, is_external=inputs.is_external)
    evaluation = Evaluation(
        task=inputs.task,
        cases={side: cases.count_by_class() for side, cases in setting.sides.items()},
        patients={side: cases.patients for side, cases in setting.sides.items()},
        near_duplicates=setting.near_duplicates,
        models=results,
        mixtures=measure_mixtures(arms, setting, analyses),
        arms={arm: selected.choice for arm, selected in arms.items()},
        warnings=(*([subset.describe()] if subset else []), *warnings),
        margin=options.margin,
        label_conflicts=setting.label_conflicts,
        prevalence=analyses.prevalence,
        patients_known=inputs.card.patients_known,
        test_sites=inputs.card.test_sites,
        figures=FigureTable((*figures.rows, *of_finding)),
        site_column=run.site_column,
        contender=contender,
        finding=finding,
    )
    return with_verdict(evaluation)
