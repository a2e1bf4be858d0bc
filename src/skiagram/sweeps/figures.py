"""Figures of one row of a sweep: of every model, of the best of each arm, and their differences.

`selection_auc` is of development cases alone, by which may be chosen; all others are of the
reported cases.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from skiagram.evaluation.arm_selection import MeasuredModel, figure_by_auc, select_arms
from skiagram.evaluation.auc_difference import ComparedModel, compare_auc
from skiagram.evaluation.evaluation_set import EvaluationSet
from skiagram.evaluation.metrics import estimate_metric
from skiagram.evaluation.options import EvaluationOptions
from skiagram.evaluation.results import ModelResult
from skiagram.evaluation.scores import ModelScores, Scores, align_scores
from skiagram.evaluation.stability import selection_auc
from skiagram.statistics.estimate import Estimate
from skiagram.sweeps.rows import BEST, SELECTION

AUC, DIFFERENCE = "roc_auc", "difference"


@dataclass(frozen=True)
class Figure:
    """One figure of a row.

    Attributes:
        model: Name of its option file, or `best_<arm>`.
        title: The model's name for people; of the best of an arm, which model it is.
        figure: `selection_auc`, of development cases; `difference`, AUC minus that of the same
            model in the reference row, paired by patient; or the name of a metric.
    """

    model: str
    title: str
    arm: str
    figure: str
    estimate: Estimate


@dataclass(frozen=True)
class RowFigures:
    """Figures of a row.

    Attributes:
        cases: How many are reported.
        patients: Of how many patients these are.
        reason: Why no difference from the reference row is there; empty otherwise.
    """

    figures: tuple[Figure, ...] = ()
    cases: int = 0
    patients: int = 0
    reason: str = ""

    def of(self, model: str, figure: str) -> Estimate | None:
        """Return a figure of a model; None where there is none."""
        return next(
            (
                each.estimate
                for each in self.figures
                if (each.model, each.figure) == (model, figure)
            ),
            None,
        )

    def selection(self, model: str) -> float | None:
        """Return what a model, or `best_<arm>`, may be chosen by."""
        estimate = self.of(model, SELECTION)
        return None if estimate is None else estimate.value


@dataclass(frozen=True)
class _Shown:
    """A model, or what stands for an arm, as a row shows it; not compared where it failed."""

    title: str
    arm: str
    metrics: Mapping[str, Estimate]
    selection: Estimate
    compared: ComparedModel | None


def measure_row(
    models: Sequence[ModelScores],
    cases: EvaluationSet,
    options: EvaluationOptions,
    wanted: Sequence[str],
    shown: Sequence[str] = (),
    reference: tuple[Sequence[ModelScores], EvaluationSet] | None = None,
) -> RowFigures:
    """Return the figures of a row.

    Args:
        models: Of the row, all of them.
        wanted: Names of metrics of the reported cases.
        shown: Models whose figures are returned; empty for all.
        reference: Models of the row that it is compared with, and its reported cases.

    Raises:
        OptionError: A metric is not of this task.
    """
    of_row = _represent(models, cases, options, wanted)
    others: Mapping[str, _Shown] = {}
    reason = ""
    if reference is not None:
        before, reported = reference
        if np.array_equal(cases.cases.case_id, reported.cases.case_id):
            others = _represent(before, reported, options, ())
        else:
            reason = "the row that it is compared with reports other cases"
    figures = [
        Figure(name, each.title, each.arm, figure, estimate)
        for name, each in of_row.items()
        if not shown or name in shown or name.startswith(BEST)
        for figure, estimate in _list_figures(each, others.get(name))
    ]
    return RowFigures(tuple(figures), len(cases.cases), cases.cases.patients, reason)


def _represent(
    models: Sequence[ModelScores],
    cases: EvaluationSet,
    options: EvaluationOptions,
    wanted: Sequence[str],
) -> dict[str, _Shown]:
    """Return every model by its name, and what stands for each arm as `best_<arm>`."""
    measured = [_measure(model, cases, wanted) for model in models]
    represented = {
        model.name: _Shown(
            model.scores.outcome.title,
            model.scores.outcome.arm,
            model.result.metrics,
            model.result.selection_auc,
            model.compared,
        )
        for model in measured
    }
    by_auc = {model.name: figure_by_auc(model, cases) for model in measured}
    rules = options.analyses.simple_rules
    arms, _ = select_arms(measured, by_auc, cases, rules, options.deep_arm)
    for arm, selected in arms.items():
        titles = [represented[name].title for name in selected.choice.chosen]
        represented[f"{BEST}{arm}"] = _Shown(
            ", ".join(titles),
            arm,
            _metrics(selected.compared.scores, cases, wanted),
            Estimate(selected.choice.selection_auc),
            selected.compared,
        )
    return represented


def _measure(model: ModelScores, cases: EvaluationSet, wanted: Sequence[str]) -> MeasuredModel:
    outcome = model.outcome
    if outcome.status == "failed":
        missing = Estimate(None, reason=outcome.reason)
        result = ModelResult(outcome, dict.fromkeys(wanted, missing), missing)
        return MeasuredModel(model, result, None)
    scores = align_scores(model, cases.part, cases.cases)
    result = ModelResult(
        outcome,
        _metrics(scores, cases, (AUC, *wanted)),
        selection_auc(model.predictions, cases.development, nested=cases.design == "cv"),
    )
    return MeasuredModel(model, result, ComparedModel(scores, cases.cases, cases.draws))


def _metrics(scores: Scores, cases: EvaluationSet, wanted: Sequence[str]) -> dict[str, Estimate]:
    return {name: estimate_metric(name, scores, cases.cases, cases.draws) for name in wanted}


def _list_figures(each: _Shown, reference: _Shown | None) -> Iterator[tuple[str, Estimate]]:
    yield SELECTION, each.selection
    yield from each.metrics.items()
    if reference is None or each.compared is None:
        return
    if reference.compared is None:
        yield DIFFERENCE, Estimate(None, reason="failed in the row that it is compared with")
    else:
        yield DIFFERENCE, compare_auc(each.compared, reference.compared).estimate
