"""What each model's thresholds do on the reported cases."""

from dataclasses import dataclass

from skiagram.evaluation.records.operating import OperatingPoint
from skiagram.evaluation.results import Evaluation, ModelResult
from skiagram.report.numbers import decimal, percent
from skiagram.report.tables.cells import NOT_FOUND, Cell, Notes, Table, grouped

_METRICS = {
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "positive_predictive_value": "PPV",
    "negative_predictive_value": "NPV",
    "balanced_accuracy": "Balanced accuracy",
    "matthews_correlation": "Matthews correlation",
}
_AT_PREVALENCE = {
    "positive_predictive_value_at_prevalence": "PPV at",
    "negative_predictive_value_at_prevalence": "NPV at",
}


@dataclass(frozen=True)
class OperatingTable:
    """One operating point of every model.

    Attributes:
        aim: What the threshold was to keep, in words.
        table: The figures.
    """

    aim: str
    table: Table


def operating_tables(evaluation: Evaluation) -> tuple[OperatingTable, ...]:
    """Return one table an operating point, in the order asked for; empty when not binary."""
    aims = dict.fromkeys(
        (point.aim, point.level) for model in evaluation.models for point in model.operating_points
    )
    return tuple(
        OperatingTable(f"{aim} of {percent(level)}", _table(evaluation, aim, level))
        for aim, level in aims
    )


def _table(evaluation: Evaluation, aim: str, level: float) -> Table:
    notes = Notes()
    metrics = dict(_METRICS)
    if evaluation.prevalence is not None:
        share = decimal(100 * evaluation.prevalence, 1).removesuffix(".0")
        metrics |= {name: f"{words} {share} %" for name, words in _AT_PREVALENCE.items()}

    def cells(model: ModelResult) -> tuple[Cell, ...]:
        point = _point(model, aim, level)
        if point is None:
            return (notes.cell(NOT_FOUND, decimal),) * (1 + len(metrics))
        return (
            Cell(decimal(point.threshold)),
            *(notes.cell(point.metrics.get(name), decimal) for name in metrics),
        )

    columns = ("Threshold", *metrics.values())
    return Table(columns, grouped(evaluation, cells), notes.by_mark())


def _point(model: ModelResult, aim: str, level: float) -> OperatingPoint | None:
    fitting = (one for one in model.operating_points if (one.aim, one.level) == (aim, level))
    return next(fitting, None)
