"""The one table of the first page: what was compared, in figures that a physician reads."""

from collections.abc import Iterator
from dataclasses import replace

from skiagram.evaluation.comparison.trivial import PREVALENCE
from skiagram.evaluation.results import Estimate, Evaluation, ModelResult
from skiagram.report.arms import TITLES, by_arm, is_best
from skiagram.report.numbers import decimal
from skiagram.report.tables.cells import Cell, Notes, Row, Table, model_row

_Group = tuple[str, tuple[Row, ...]]


def answer(evaluation: Evaluation) -> Table:
    """Return the best of each arm, readers, what is to be beaten, and the limit where known."""
    notes = Notes()
    groups = [*_contenders(evaluation, notes), *_beaten(evaluation, notes)]
    if evaluation.ideal:
        row = (
            notes.cell(evaluation.ideal, decimal),
            *(Cell(""),) * (len(_columns(evaluation)) - 1),
        )
        groups.append(("The limit of this task", (Row("Ideal observer", row),)))
    return Table(_columns(evaluation), tuple(groups), notes.by_mark())


def _columns(evaluation: Evaluation) -> tuple[str, ...]:
    positive = evaluation.task.positive
    off_twins = ("AUC off twins",) if evaluation.twins else ()
    if positive is None:
        return "AUC, mean over classes", *off_twins, "Named rightly, of 100 cases"
    name = evaluation.task.classes[positive]
    return "AUC", *off_twins, f"Found, of 100 {name}", "False alarms, of 100 others"


def _contenders(evaluation: Evaluation, notes: Notes) -> Iterator[_Group]:
    for arm, models in by_arm(evaluation):
        shown = [one for one in models if is_best(evaluation, one) or arm == "reader"]
        if not any(is_best(evaluation, one) for one in models) and arm != "reader":
            shown = models[:1]  # nobody was chosen: the reason stands in the row
        yield TITLES[arm], tuple(_row(one, evaluation, notes) for one in shown)


def _row(model: ModelResult, evaluation: Evaluation, notes: Notes) -> Row:
    """Return a model's row without the mark of the best, which all of an arm here are."""
    row = model_row(evaluation, model, lambda one: _cells(one, evaluation, notes))
    return replace(row, best=False)


def _cells(model: ModelResult, evaluation: Evaluation, notes: Notes) -> tuple[Cell, ...]:
    auc = tuple(
        notes.cell(model.metrics.get(metric), decimal)
        for metric in ("roc_auc", *(("roc_auc_off_twins",) if evaluation.twins else ()))
    )
    if evaluation.task.positive is None:
        return *auc, notes.cell(_of_hundred(model.metrics.get("accuracy")), _whole, digits=0)
    found, cleared = (model.metrics.get(name) for name in ("sensitivity", "specificity"))
    return (
        *auc,
        notes.cell(_of_hundred(found), _whole, digits=0),
        notes.cell(_of_hundred(cleared, missed=True), _whole, digits=0),
    )


def _of_hundred(share: Estimate | None, *, missed: bool = False) -> Estimate | None:
    """Turn a share into a number out of a hundred cases, or into what is left of the hundred."""
    if share is None or share.value is None:
        return share
    low, high = share.low, share.high
    if missed:
        bounds = (
            None if high is None else 100 * (1 - high),
            None if low is None else 100 * (1 - low),
        )
        return Estimate(100 * (1 - share.value), *bounds, share.method)
    bounds = (None if low is None else 100 * low, None if high is None else 100 * high)
    return Estimate(100 * share.value, *bounds, share.method)


def _whole(value: float | None) -> str:
    return decimal(value, 0)


def _beaten(evaluation: Evaluation, notes: Notes) -> Iterator[_Group]:
    """Yield the trivial rules that were in the run, and the commonest class."""
    rules = {one.rule for one in evaluation.trivial} - {PREVALENCE}
    rows = [
        _row(one, evaluation, notes)
        for one in evaluation.models
        if one.outcome.model in rules and not is_best(evaluation, one)
    ]
    half = (Cell(decimal(0.5)),) * (2 if evaluation.twins else 1)
    if evaluation.task.positive is not None:
        rows.append(Row("A coin", (*half, Cell("50"), Cell("50"))))
    elif evaluation.majority_accuracy:
        share = notes.cell(_of_hundred(evaluation.majority_accuracy), _whole, digits=0)
        rows.append(Row("Always the commonest class", (*half, share)))
    if rows:
        yield "To be beaten", tuple(rows)
