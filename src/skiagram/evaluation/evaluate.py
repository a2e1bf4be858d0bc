"""From scores, cases and opened labels to all that the report says."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from skiagram.compute.workers import IN_PROCESS, Compute
from skiagram.evaluation.arm_selection import (
    MeasuredModel,
    MeasuredRun,
    list_arms,
)
from skiagram.evaluation.clinical_utility import assess_utility_of_arms
from skiagram.evaluation.comparisons import compare_models, compare_off_near_duplicates
from skiagram.evaluation.evaluation_record import IDEAL_OBSERVER, MAJORITY, Evaluation
from skiagram.evaluation.figure_table import FigureRow, FigureTable, make_row
from skiagram.evaluation.finding import evaluate_finding
from skiagram.evaluation.inputs import EvaluationInputs
from skiagram.evaluation.measurement import measure_mixtures, measure_run
from skiagram.evaluation.options import EvaluationOptions
from skiagram.evaluation.reader_study import study_readers_of_run
from skiagram.evaluation.results import LIMIT, METRICS, ModelResult
from skiagram.evaluation.shift import compare_sides, find_shifts
from skiagram.evaluation.sites import study_sites
from skiagram.evaluation.verdict import with_verdict
from skiagram.evaluation.warnings import state_warnings, warn_of_training, warn_without_baselines
from skiagram.records.predictions import digest_scores
from skiagram.statistics.proportions import proportion
from skiagram.tasks.predicted import Predicted


def find_limits(run: MeasuredRun) -> Iterator[FigureRow]:
    """Yield the primary figure of the ideal observer and of chance, and the commonest class's.

    That is the accuracy of naming every case as most development cases are, where classes are told
    apart.
    """
    development, reported = run.setting.development, run.setting.cases
    compared = next(iter(run.compared.values()), None)
    if compared is not None and (ideal := compared.ideal(run.setting)) is not None:
        yield make_row(ideal.estimate(), LIMIT, run.task.predicted.primary, model=IDEAL_OBSERVER)
    # What chance reaches, where it is no number known before and no model of the run.
    for name in run.baselines_and_chance.keys() - run.simple_baselines.keys():
        reached = run.baselines_and_chance[name].estimate()
        yield make_row(reached, METRICS, run.task.predicted.primary, model=name)
    if run.task.defines(MAJORITY):
        commonest = int(np.bincount(development.label, minlength=len(development.classes)).argmax())
        named = proportion((reported.label == commonest).astype(np.float64), reported.patient)
        yield make_row(named, MAJORITY, "accuracy")


# What is found of a run as a whole: rows of the table, in this order; a new one is added here.
ANALYSES: tuple[Callable[[MeasuredRun], Iterable[FigureRow]], ...] = (
    find_limits,
    lambda run: list_arms(run.arms, run.task),
    compare_models,
    compare_off_near_duplicates,
    find_shifts,
    lambda run: compare_sides(run.setting, run.options.analyses.least_patients).rows,
    assess_utility_of_arms,
    study_readers_of_run,
    lambda run: study_sites(
        run.standing,
        run.setting,
        run.options.analyses.least_patients,
        (run.contender, "classical"),
    ),
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
    # The seal is opened here, for the cases that are reported.
    task = inputs.task
    setting = inputs.assemble(seed, options.replicates, fold_column)
    # Every model, and what stands for each arm.
    run = measure_run(inputs.models, setting, options, compute)
    # All comparisons and further analyses.
    finding, of_finding = None, tuple[FigureRow, ...]()
    if inputs.finding:
        finding, of_finding, searching = evaluate_finding(inputs.finding, run)
        run = measure_mixtures(run, searching, compute)
    figures = FigureTable(tuple(row for analyse in ANALYSES for row in analyse(run)))
    # Curves are drawn of the chosen models and the simple baselines alone.
    shown = {*run.simple_baselines, *(arm.choice.model for arm in run.arms.values())}
    digests = [digest_scores(model.predictions.table) for model in run.models]
    drawn = zip(draw_plots(run.models, shown, task.predicted), digests, strict=True)
    results = tuple(replace(result, scores_digest=digest) for result, digest in drawn)
    # What a reader is warned of.
    known, is_external = inputs.card.patients_known, inputs.is_external
    warnings = (
        *warn_of_training(run, inputs),
        *state_warnings(results, setting, figures, is_external=is_external, patients_known=known),
        *warn_without_baselines(run),
    )
    # All of it in one record, and the verdict last.
    sides = {"development": setting.development, "reported": setting.cases}
    evaluation = Evaluation(
        task=task,
        cases={side: cases.count_by_class() for side, cases in sides.items()},
        patients={side: cases.patients for side, cases in sides.items()},
        near_duplicates=int(setting.has_near_duplicate.sum()),
        models=results,
        facts=task.predicted.count(setting.cases.value, setting.cases.label),
        mixtures=draw_plots(run.mixtures, shown, task.predicted),
        arms={arm: selected.choice for arm, selected in run.arms.items()},
        warnings=warnings,
        margin=run.margin,
        label_conflicts=setting.label_conflicts,
        prevalence=options.analyses.prevalence,
        patients_known=known,
        test_sites=inputs.card.test_sites if task.design == "holdout" else (),
        figures=FigureTable((*figures.rows, *of_finding)),
        site_column="" if setting.site is None else str(setting.site.name),
        contender=run.contender,
        finding=finding,
        left_out_networks=options.left_out_networks,
    )
    return with_verdict(evaluation)


def draw_plots(
    models: Sequence[MeasuredModel], shown: set[str], predicted: Predicted
) -> tuple[ModelResult, ...]:
    """Have the outcome draw what belongs to the models that are shown.

    Args:
        models: All that were measured.
        shown: Names of those that stand for an arm, and of simple baselines.
        predicted: The outcome, which knows its plots.
    """
    return tuple(
        replace(model.result, plots=tuple(predicted.plot(model.compared.scored)))
        if model.name in shown and model.compared is not None
        else model.result
        for model in models
    )
