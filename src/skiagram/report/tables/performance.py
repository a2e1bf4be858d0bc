"""The main table of models, and the AUC of each class."""

from skiagram.evaluation.results import Estimate, Evaluation, ModelResult
from skiagram.report.numbers import decimal
from skiagram.report.tables.cells import NOT_FOUND, Cell, Notes, Row, Table, grouped

_METRICS = {
    "roc_auc": "AUC",
    "hand_till_auc": "Hand–Till AUC",
    "roc_auc_off_twins": "AUC off twins",
    "average_precision": "Average precision",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "balanced_accuracy": "Balanced accuracy",
    "brier": "Brier score",
    "efficiency": "Efficiency",
}


def performance(evaluation: Evaluation) -> Table:
    """Return the main table; a column stands where any model has a figure or a reason for it."""
    metrics = _metrics_shown(evaluation)
    notes = Notes()
    columns = tuple(_heading(metric, evaluation) for metric in metrics)

    def cells(model: ModelResult) -> tuple[Cell, ...]:
        return tuple(notes.cell(_estimate(model, metric), decimal) for metric in metrics)

    groups = list(grouped(evaluation, cells))
    if evaluation.ideal:
        first = notes.cell(evaluation.ideal, decimal)
        last = {"efficiency": Cell(decimal(1.0))}
        row = (first, *(last.get(metric, Cell("")) for metric in metrics[1:]))
        groups.append(("The limit of this task", (Row("Ideal observer", row),)))
    return Table(columns, tuple(groups), notes.by_mark())


def class_auc(evaluation: Evaluation) -> Table | None:
    """Return the AUC of each class against the rest; None for a task of two classes."""
    if evaluation.task.positive is not None:
        return None
    notes = Notes()

    def cells(model: ModelResult) -> tuple[Cell, ...]:
        return tuple(notes.cell(estimate, decimal) for estimate in model.class_auc)

    return Table(evaluation.task.classes, grouped(evaluation, cells), notes.by_mark())


def _estimate(model: ModelResult, metric: str) -> Estimate:
    if metric == "efficiency":
        return model.efficiency or NOT_FOUND
    return model.metrics.get(metric, NOT_FOUND)


def _metrics_shown(evaluation: Evaluation) -> tuple[str, ...]:
    shown = ["roc_auc"]
    shown += [
        metric
        for metric in tuple(_METRICS)[1:]
        if any(_estimate(model, metric) is not NOT_FOUND for model in evaluation.models)
        and (metric != "roc_auc_off_twins" or evaluation.twins)
    ]
    return tuple(shown)


def _heading(metric: str, evaluation: Evaluation) -> str:
    heading = _METRICS[metric]
    averaged = metric.startswith(("roc_auc", "average")) and evaluation.task.positive is None
    return f"{heading}, mean over classes" if averaged else heading
