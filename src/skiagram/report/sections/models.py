"""All models: the main table, the AUC of each class, and the table as plain text."""

from collections.abc import Sequence

from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.evaluation.metrics import METRIC, METRICS, Metric
from skiagram.evaluation.results import Estimate, ModelResult
from skiagram.report import formatting

_COLUMNS = tuple(metric for metric in METRICS if metric.table_column)
_TEXT_METRICS = ("sensitivity", "specificity", "brier")
_TEXT_COLUMNS = (
    "Model", "Arm", f"{METRIC['roc_auc'].title} (95 %)", "Out-of-fold",
    *(METRIC[name].title for name in _TEXT_METRICS),
)  # fmt: skip
_ABSENT = Estimate(None)


def list_columns(evaluation: Evaluation) -> tuple[Metric, ...]:
    """Return the AUC and every other column for which any model has a value or a reason."""
    known = [
        metric
        for metric in _COLUMNS
        if any(
            _estimate(model, metric.name) is not formatting.NOT_FOUND for model in evaluation.models
        )
        and (metric.name != "roc_auc_off_near_duplicates" or evaluation.near_duplicates)
    ]
    return tuple(dict.fromkeys((METRIC["roc_auc"], *known)))


def tabulate_performance(evaluation: Evaluation) -> formatting.Table:
    """Return the main table, a column per metric of `list_columns`."""
    metrics = [metric.name for metric in list_columns(evaluation)]
    notes = formatting.Notes()
    columns = tuple(formatting.metric_heading(metric, evaluation.task) for metric in metrics)

    def cells(model: ModelResult) -> tuple[formatting.Cell, ...]:
        return tuple(
            notes.cell(_estimate(model, metric), formatting.format_decimal) for metric in metrics
        )

    groups = list(formatting.group_rows(evaluation, cells))
    if evaluation.ideal:
        first = notes.cell(evaluation.ideal, formatting.format_decimal)
        last = {"efficiency": formatting.Cell(formatting.format_decimal(1.0))}
        row = (first, *(last.get(metric, formatting.Cell("")) for metric in metrics[1:]))
        groups.append(("The limit of this task", (formatting.Row("Ideal observer", row),)))
    return formatting.Table(columns, tuple(groups), notes.by_mark())


def tabulate_class_auc(evaluation: Evaluation) -> formatting.Table | None:
    """Return the AUC of each class against the others; None for a task of two classes."""
    if evaluation.task.positive is not None:
        return None
    notes = formatting.Notes()

    def cells(model: ModelResult) -> tuple[formatting.Cell, ...]:
        return tuple(
            notes.cell(estimate, formatting.format_decimal) for estimate in model.class_auc
        )

    return formatting.Table(
        evaluation.task.classes, formatting.group_rows(evaluation, cells), notes.by_mark()
    )


def _estimate(model: ModelResult, metric: str) -> Estimate:
    if metric == "efficiency":
        return model.efficiency or formatting.NOT_FOUND
    return model.metrics.get(metric, formatting.NOT_FOUND)


def _text_row(result: ModelResult, best: dict[str, str], generated: bool) -> list[str]:
    outcome = result.outcome
    if outcome.status == "failed":
        return [outcome.title, outcome.arm, f"failed: {outcome.reason}"]
    mark = " *" if best.get(outcome.arm) == outcome.model else ""
    cells = [
        outcome.title + mark,
        outcome.arm,
        formatting.format_estimate(result.metrics.get("roc_auc", _ABSENT)),
    ]
    cells.append(formatting.format_decimal(result.selection_auc.value))
    cells += [
        formatting.format_decimal(result.metrics.get(name, _ABSENT).value) for name in _TEXT_METRICS
    ]
    if generated:
        cells.append(formatting.format_decimal((result.efficiency or _ABSENT).value))
    return cells


def format_as_text(evaluation: Evaluation) -> str:
    """Return a table of all models, the best of each arm (chosen out-of-fold) marked `*`."""
    generated = evaluation.ideal is not None
    head = [*_TEXT_COLUMNS, *([METRIC["efficiency"].title] if generated else [])]
    rows = [head, *(_text_row(result, evaluation.best, generated) for result in evaluation.models)]
    if evaluation.ideal is not None:
        rows.append(["Ideal observer", "", formatting.format_estimate(evaluation.ideal)])
    lines = _aligned(rows)
    titles = {model.outcome.model: model.outcome.title for model in evaluation.models}
    for pair in evaluation.comparisons:
        value = pair.difference.reason or formatting.format_difference(pair.difference)
        lines.append(f"{titles[pair.model]} minus {titles[pair.other]}: {value}")
    return "\n".join(lines)


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    whole = [row for row in rows if len(row) == len(rows[0])]
    widths = [max(len(row[column]) for row in whole) for column in range(len(rows[0]))]
    padded = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)).rstrip()
        for row in rows
    ]
    return [padded[0], "─" * max(map(len, padded[:1])), *padded[1:]]
