"""Columns of scores of any origin compared by the rules of a run: labels and scores in, record out.

A product's, another framework's or a reader's scores have no folds that chose them and no training
that is known: the first two columns are the primary comparison, all other pairs are secondary.
"""

from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations

from skiagram.errors import refusal
from skiagram.evaluation.arm_selection import SelectedArm, list_arms
from skiagram.evaluation.compared_model import ComparedModel
from skiagram.evaluation.comparisons import (
    compare_arms,
    compare_pair,
    compare_with_baselines,
    correct,
    plan_comparison,
)
from skiagram.evaluation.evaluation_record import SECONDARY, ArmChoice, Evaluation
from skiagram.evaluation.evaluation_set import EvaluationSet
from skiagram.evaluation.figure_table import FigureTable
from skiagram.evaluation.measurement import measure_model
from skiagram.evaluation.options import NO_REQUESTS
from skiagram.evaluation.reader_study import study_readers
from skiagram.evaluation.results import CALIBRATION, METRICS, ModelResult
from skiagram.evaluation.sites import study_sites
from skiagram.evaluation.verdict import with_verdict
from skiagram.evaluation.warnings import state_warnings
from skiagram.records.predictions import Outcome
from skiagram.statistics.estimate import Estimate

_NO_PROBABILITY = Estimate(None, reason="the scores are no probabilities between 0 and 1")
_NO_ORDER = Estimate(None, reason="scores of several folds, not calibrated here, share no scale")
_BY_ORDER = ("roc_auc", "average_precision")


def compare_scores(
    setting: EvaluationSet,
    columns: Mapping[str, ComparedModel],
    readers: Mapping[str, ComparedModel],
    margin: float,
    *,
    patients_known: bool,
) -> Evaluation:
    """Compare the first column with the second, and each other pair.

    Of each column there is its AUC; `measure_columns` makes the rest.

    Args:
        setting: The cases, of two classes.
        columns: Name → scores; the first two are the primary comparison.
        readers: Name → scores of readers, taken as a sample of readers.
        margin: Smallest difference in AUC that counts as worthwhile.
        patients_known: False where each case counts as a patient, as nobody said whose it is.

    Raises:
        OptionError: A margin out of range.
    """
    if not 0 < margin < 0.5:
        raise refusal("evaluation.margin", margin=margin)
    # Every column and reader as a model of its own.
    cases, task = setting.cases, setting.task
    models = tuple(
        ModelResult(_named(name)).with_figures(METRICS, [("roc_auc", "", model.estimate())])
        for name, model in {**columns, **readers}.items()
    )
    # Each of the first two columns is an arm by itself; the other pairs are secondary.
    (first, second), *pairs = combinations(columns, 2)
    arms = {name: columns[name] for name in (first, second)}
    selected = {
        name: SelectedArm(ArmChoice(name, {name: 1}, 1), column) for name, column in arms.items()
    }
    others = [
        compare_pair((name, columns[name]), (other, columns[other]), SECONDARY)
        for name, other in pairs
    ]
    rows = (
        *list_arms(selected, task),
        *compare_arms(arms, margin),
        *plan_comparison(arms, margin),
        *compare_with_baselines(arms, {}),
        *correct(others),
    )
    # Readers and sites where they are given.
    reader_rows = study_readers(
        {name: reader.figure for name, reader in readers.items()},
        {name: column.figure for name, column in arms.items()},
    )
    least = NO_REQUESTS.least_patients
    site_rows = study_sites(arms, setting, least, (first, second))
    evaluation = Evaluation(
        task=task,
        cases={"reported": cases.count_by_class()},
        patients={"reported": cases.patients},
        near_duplicates=0,
        models=models,
        warnings=tuple(state_warnings(models, setting)),
        margin=margin,
        arms={name: arm.choice for name, arm in selected.items()},
        figures=FigureTable((*rows, *reader_rows, *site_rows)),
        site_column="" if setting.site is None else "site",
        patients_known=patients_known,
        contender=first,
        opponent=second,
    )
    return with_verdict(evaluation)


def measure_columns(
    columns: Mapping[str, ComparedModel], setting: EvaluationSet
) -> tuple[ModelResult, ...]:
    """Measure every figure and curve of columns; those that are resampled take their time.

    Precision takes one order of all cases, which columns of several fits do not have.
    """
    results = []
    for name, model in columns.items():
        result = measure_model(_named(name), model, setting, NO_REQUESTS)
        # Scores of several fits share no scale: what orders cases across fits is left out.
        if not model.scored.has_one_fit:
            ordered = (
                (row.figure, "", _NO_ORDER if row.figure == "average_precision" else row)
                for row in result.figures.select(analysis=METRICS).rows
            )
            result = replace(
                result.with_figures(METRICS, ordered),
                precision_recall=None,
                precision_recall_band=None,
            )
        if not model.has_probabilities:
            # Of scores that are no probabilities only what hangs on their order is kept.
            metrics = (
                (row.figure, "", row if row.figure in _BY_ORDER else _NO_PROBABILITY)
                for row in result.figures.select(analysis=METRICS).rows
            )
            result = replace(
                result.with_figures(CALIBRATION, ()).with_figures(METRICS, metrics),
                decision_curve=None,
                confusion=(),
            )
        results.append(result)
    return tuple(results)


def _named(name: str) -> Outcome:
    return Outcome(name, "reader", name, "finished")
