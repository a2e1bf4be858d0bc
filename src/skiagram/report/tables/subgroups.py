"""Figures of the best model of each arm on parts of the reported cases."""

from dataclasses import dataclass

from skiagram.evaluation.records.subgroup import Subgroup
from skiagram.evaluation.results import Estimate, Evaluation, ModelResult
from skiagram.report.arms import finished, is_best
from skiagram.report.numbers import count, decimal
from skiagram.report.tables.cells import Cell, Notes, Row, Table

_METRICS = {"roc_auc": "AUC", "sensitivity": "Sensitivity", "specificity": "Specificity"}


@dataclass(frozen=True)
class SubgroupTable:
    """The subgroups of one model.

    Attributes:
        title: Name of the model.
        table: A group a column, a row a value.
    """

    title: str
    table: Table


def subgroup_tables(evaluation: Evaluation) -> tuple[SubgroupTable, ...]:
    """Return one table a model that is the best of its arm and has subgroups."""
    return tuple(
        SubgroupTable(model.outcome.title, _table(model, evaluation))
        for model in finished(evaluation)
        if is_best(evaluation, model) and model.subgroups
    )


def _table(model: ModelResult, evaluation: Evaluation) -> Table:
    notes = Notes()
    binary = evaluation.task.positive is not None
    metrics = _METRICS if binary else {"roc_auc": "AUC, mean over classes"}
    classes = evaluation.task.classes
    groups: dict[str, list[Row]] = {}
    for part in model.subgroups:
        row = Row(part.value, _cells(part, tuple(metrics), classes, notes), caution=part.warning)
        groups.setdefault(part.column.replace("_", " "), []).append(row)
    columns = ("Cases", *(f"Patients, {name}" for name in classes), *metrics.values())
    found = tuple((column, tuple(rows)) for column, rows in groups.items())
    return Table(columns, found, notes.by_mark(), first="Part of the cases")


def _cells(
    part: Subgroup, metrics: tuple[str, ...], classes: tuple[str, ...], notes: Notes
) -> tuple[Cell, ...]:
    absent = Estimate(None, reason=part.warning)
    return (
        Cell(count(part.cases)),
        *(Cell(count(part.patients.get(name, 0))) for name in classes),
        *(notes.cell(part.metrics.get(metric, absent), decimal) for metric in metrics),
    )
