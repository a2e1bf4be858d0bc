"""Models on another cohort beside what they did at home, and with calibration updated there.

The figures are those of `measure_model`, on each side by itself.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from skiagram.errors import NotConverged
from skiagram.evaluation.calibration_assessment import CALIBRATION_FIGURES, THRESHOLDS
from skiagram.evaluation.clinical_utility import PER
from skiagram.evaluation.compared_model import ComparedModel, measure_alike
from skiagram.evaluation.evaluation_record import EXTERNAL, Evaluation
from skiagram.evaluation.evaluation_set import EvaluationSet
from skiagram.evaluation.figure_table import FigureRow, FigureTable, make_row
from skiagram.evaluation.inputs import EvaluationInputs
from skiagram.evaluation.measurement import measure_model
from skiagram.evaluation.options import EvaluationOptions, RequestedAnalyses
from skiagram.evaluation.results import CALIBRATION, METRICS, ModelResult
from skiagram.evaluation.verdict import with_verdict
from skiagram.statistics.estimate import Estimate

OUT_OF_FOLD, HELD_OUT, COHORT, UPDATED = "out_of_fold", "held_out", "cohort", "updated"
NET_BENEFIT_AT = "net_benefit_at_"
FEWEST_TO_UPDATE = 20  # patients of each class
_TELLING = "of a class or of two grades, with the event, or of all where a number is predicted"
_PROBABILITY_FIGURES = ("brier", *CALIBRATION_FIGURES, NET_BENEFIT_AT)


def compare_with_development(
    evaluation: Evaluation,
    at_home: Evaluation,
    inputs: EvaluationInputs,
    options: EvaluationOptions,
    seed: int,
) -> Evaluation:
    """Add rows of the analysis `external`, and let the verdict know of them.

    The group says of which cases a figure is: `out_of_fold`, the project's development cases, each
    scored by a fit that did not see its patient; `held_out`, its sealed test cases; `cohort`; and
    `updated`, the cohort with intercept and slope of the calibration fitted to it, in five folds by
    patient, so that no case is judged by a fit that saw its patient (Cox 1958; Steyerberg et al.
    2004, *Statistics in Medicine* 23:2567). Net benefit is in true positives per 1,000 cases.

    Args:
        evaluation: Of the cohort.
        at_home: Of the project itself.
        inputs: What `evaluation` was made of.
    """
    # The cohort, and the development cases as if they were what is reported.
    setting = replace(inputs, truth=None, covariates=None).assemble(seed, options.replicates)
    cases = setting.development
    draws, copies = cases.draws(options.replicates, seed), np.zeros(len(cases), dtype=np.bool_)
    before = replace(setting, cases=cases, draws=draws, has_near_duplicate=copies)
    # The held-out figures of home, where there was a sealed test set.
    tested = at_home.models if at_home.task.part == "test" else ()
    held_out = {result.outcome.model: result for result in tested}
    # Each model on all sides, and the difference of the arms at home and on the cohort.
    analyses, rows = options.analyses, list[FigureRow]()
    for model in (model for model in inputs.models if model.outcome.status != "failed"):
        name = model.outcome.model
        compared, cohort_result = ComparedModel.on(setting, model), evaluation.find_result(name)
        out_of_fold = ComparedModel.out_of_fold(setting, model)
        results = {OUT_OF_FOLD: measure_model(model.outcome, out_of_fold, before, analyses)}
        if name in held_out:
            results[HELD_OUT] = held_out[name]
        results[COHORT] = cohort_result
        sides = {
            side: dict(_figures(result, analyses.thresholds)) for side, result in results.items()
        }
        # The cohort once more, with the calibration fitted anew to it.
        sides[UPDATED] = _update_calibration(compared, cohort_result, setting, analyses)
        if compared.parts:
            _average_shared_parts(sides, out_of_fold, compared)
        rows += [
            make_row(estimate, EXTERNAL, figure, model=name, group=side)
            for side, figures in sides.items()
            for figure, estimate in figures.items()
        ]
    # The difference of the arms on each side.
    for side, run in ((HELD_OUT if tested else OUT_OF_FOLD, at_home), (COHORT, evaluation)):
        if run.difference is not None:
            rows.append(replace(run.difference, analysis=EXTERNAL, group=side))
    return with_verdict(replace(evaluation, figures=FigureTable((*evaluation.figures.rows, *rows))))


def _figures(result: ModelResult, thresholds: Sequence[float]) -> Iterator[tuple[str, Estimate]]:
    """Yield what is compared between the sides; a figure at a horizon has it in its name."""
    for row in result.figures.rows:
        of_calibration = row.analysis == CALIBRATION and row.figure in CALIBRATION_FIGURES
        if row.analysis == METRICS or of_calibration:
            yield f"{row.figure} {row.group}".strip(), row
    if (curve := result.decision_curve) is not None:
        for threshold in thresholds:
            place = int(np.argmin(np.abs(THRESHOLDS - threshold)))
            bounds = curve.net_benefit[place], curve.low[place], curve.high[place]
            value, low, high = (PER * bound for bound in bounds)
            gain = Estimate(value, low, high, "bootstrap by patient")
            yield f"{NET_BENEFIT_AT}{threshold:g}", gain


def _average_shared_parts(
    sides: Mapping[str, dict[str, Estimate]], out_of_fold: ComparedModel, cohort: ComparedModel
) -> None:
    """Put means over those findings that both sides define in the place of the primary figures."""
    primary, home = cohort.predicted.primary, sides.get(HELD_OUT, {})
    before, now = (figure.estimate() for figure in measure_alike((out_of_fold, cohort)))
    means = {OUT_OF_FOLD: before, COHORT: now, UPDATED: now}
    # Of the sealed test cases figures alone are at hand: their mean stays where it is of the same
    # findings, as their figures name them.
    test_parts = {part for part in cohort.predicted.estimates if f"auc {part}" in home}
    if test_parts != out_of_fold.parts.keys() & cohort.parts.keys():
        means[HELD_OUT] = Estimate(None, reason="a mean over other findings than on the cohort")
    for side, mean in means.items():
        known = sides.get(side, {}).get(primary)
        if known is not None and known.value is not None:
            sides[side][primary] = mean


def _update_calibration(
    compared: ComparedModel,
    cohort_result: ModelResult,
    setting: EvaluationSet,
    analyses: RequestedAnalyses,
) -> dict[str, Estimate]:
    """Return the figures that hang on calibration after it was fitted anew to the cohort.

    None has a value with fewer than 20 patients of a class (of two grades; with the event; of all,
    where a number is predicted), or where the fit has no optimum.
    """
    predicted = setting.task.predicted
    # Discrimination stays as it is: only these figures can move.
    names = [
        name
        for name, _ in _figures(cohort_result, analyses.thresholds)
        if predicted.has_value or name.startswith(_PROBABILITY_FIGURES)
    ]
    # Patients of each class; of a value those who tell of it.
    by_class = setting.cases.patients_by_class()
    fewest = min(by_class.values())
    if predicted.has_value:
        fewest = by_class.get("event", sorted([0, *by_class.values()])[-2])
    if predicted.labels_group_values:
        fewest = sum(by_class.values())
    if fewest < FEWEST_TO_UPDATE:
        missing = Estimate(None, reason=f"fewer than {FEWEST_TO_UPDATE} patients {_TELLING}")
        return dict.fromkeys(names, missing)
    # The recalibrated scores are measured as the cohort's own were.
    try:
        recalibrated = replace(compared, scored=predicted.recalibrate(compared.scored))
        updated = measure_model(cohort_result.outcome, recalibrated, setting, analyses)
    except NotConverged as error:
        reason = f"the calibration could not be fitted anew: {error}"
        return dict.fromkeys(names, Estimate(None, reason=reason))
    return {name: each for name, each in _figures(updated, analyses.thresholds) if name in names}
