"""Subgroups: results of the best model of each arm in parts of the reported cases."""

from dataclasses import dataclass

from matplotlib.axes import Axes

from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.evaluation.metrics import METRICS
from skiagram.evaluation.results import Estimate, ModelResult, Subgroup
from skiagram.report.drawing import MUTED, Drawing, best_of_each_arm, open_sheet, wrap_title
from skiagram.report.formatting import (
    MISSING,
    Cell,
    Notes,
    Row,
    Table,
    finished_models,
    format_count,
    format_decimal,
    format_estimate,
    format_interval,
    format_p_value,
    format_signed,
    is_best,
    metric_heading,
)

_ROW = 0.34  # inches
_APART = 0.3  # rows between two models
_MOST = 24  # rows; more stand in the table alone
_Drawn = list[tuple[ModelResult, str, tuple[Subgroup, ...]]]


@dataclass(frozen=True)
class SubgroupTable:
    """The subgroups of one model.

    Attributes:
        title: Name of the model.
        table: One group per column of the cases, one row per value.
    """

    title: str
    table: Table


def tabulate_subgroups(evaluation: Evaluation) -> tuple[SubgroupTable, ...]:
    """Return one table per model that is the best of its arm and has subgroups."""
    return tuple(
        SubgroupTable(model.outcome.title, _table(model, evaluation))
        for model in finished_models(evaluation)
        if is_best(evaluation, model) and model.subgroups
    )


def tabulate_subgroup_differences(evaluation: Evaluation) -> tuple[SubgroupTable, ...]:
    """Return, per model that is the best of its arm, each part's figures minus all other cases'."""
    return tuple(
        SubgroupTable(model.outcome.title, _differences(model, evaluation))
        for model in finished_models(evaluation)
        if is_best(evaluation, model) and any(part.differences for part in model.subgroups)
    )


def _differences(model: ModelResult, evaluation: Evaluation) -> Table:
    computed = {name for part in model.subgroups for name in part.differences}
    metrics = tuple(metric.name for metric in METRICS if metric.name in computed)
    groups: dict[str, list[Row]] = {}
    for part in model.subgroups:
        cells = []
        for name in metrics:
            tested = part.differences.get(name)
            if tested is None or tested.difference.value is None:
                cells += [Cell(MISSING), Cell(MISSING)]
            else:
                interval = format_interval(tested.difference, digits=3)
                cells.append(Cell(format_signed(tested.difference.value), interval))
                cells.append(Cell(f"{format_p_value(tested.p)} | {format_p_value(tested.p_holm)}"))
        if part.cases:
            row = Row(part.value, tuple(cells), caution=part.warning)
            groups.setdefault(part.column.replace("_", " "), []).append(row)
    columns = tuple(
        heading
        for name in metrics
        for heading in (metric_heading(name, evaluation.task), "p, raw | Holm")
    )
    return Table(columns, tuple((name, tuple(rows)) for name, rows in groups.items()), {},
                 first="Subgroup minus all other cases")  # fmt: skip


def _table(model: ModelResult, evaluation: Evaluation) -> Table:
    notes = Notes()
    computed = {name for part in model.subgroups for name in part.metrics} | {"roc_auc"}
    metrics = tuple(metric.name for metric in METRICS if metric.name in computed)
    classes = evaluation.task.classes
    groups: dict[str, list[Row]] = {}
    for part in model.subgroups:
        row = Row(part.value, _cells(part, metrics, classes, notes), caution=part.warning)
        groups.setdefault(part.column.replace("_", " "), []).append(row)
    headings = (metric_heading(metric, evaluation.task) for metric in metrics)
    columns = ("Cases", *(f"Patients, {name}" for name in classes), *headings)
    rows_by_column = tuple((column, tuple(rows)) for column, rows in groups.items())
    return Table(columns, rows_by_column, notes.by_mark(), first="Subgroup")


def _cells(
    part: Subgroup, metrics: tuple[str, ...], classes: tuple[str, ...], notes: Notes
) -> tuple[Cell, ...]:
    absent = Estimate(None, reason=part.warning or part.value)
    if not part.cases:
        return tuple(notes.cell(absent, format_decimal) for _ in (0, *classes, *metrics))
    return (
        Cell(format_count(part.cases)),
        *(Cell(format_count(part.patients.get(name, 0))) for name in classes),
        *(notes.cell(part.metrics.get(metric, absent), format_decimal) for metric in metrics),
    )


def draw_subgroups(evaluation: Evaluation) -> Drawing | None:
    """Draw one row per subgroup, open where it has few patients; None where none has an AUC."""
    drawn = list(best_of_each_arm(evaluation, lambda model: model.subgroups or None))
    rows = _rows(drawn)
    if not rows:
        return None
    with open_sheet(0.75 + _ROW * len(rows)) as page:
        axes = page.figure.add_subplot()
        for place, (model, colour, parts) in enumerate(drawn):
            shift = _APART * (place - (len(drawn) - 1) / 2)
            _whole(axes, model, colour)
            for part in parts:
                if (part.column, part.value) in rows:
                    row = rows.index((part.column, part.value))
                    _point(axes, row + shift, part, colour)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        titles = [wrap_title(f"{column.replace('_', ' ')}: {value}") for column, value in rows]
        axes.set_yticks(range(len(rows)), titles)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel("AUC with 95 % interval")
        return page.finish("subgroups", _description(drawn))


def _rows(drawn: _Drawn) -> list[tuple[str, str]]:
    """Return (column, value) of every part in which a model has an AUC, in the order met."""
    drawn_parts = dict.fromkeys(
        (part.column, part.value)
        for _, _, parts in drawn
        for part in parts
        if _auc(part).value is not None
    )
    return list(drawn_parts)[:_MOST]


def _auc(part: Subgroup) -> Estimate:
    return part.metrics.get("roc_auc", Estimate(None))


def _whole(axes: Axes, model: ModelResult, colour: str) -> None:
    whole = model.metrics.get("roc_auc", Estimate(None)).value
    if whole is not None:
        axes.axvline(whole, color=colour, linewidth=0.8, linestyle=":", zorder=0)


def _point(axes: Axes, row: float, part: Subgroup, colour: str) -> None:
    auc = _auc(part)
    if auc.value is None:
        return
    if auc.low is not None and auc.high is not None:
        line = MUTED if part.warning else colour
        axes.plot([auc.low, auc.high], [row, row], color=line, linewidth=1.3)
    axes.plot(
        auc.value, row, marker="s", markersize=5, color=colour, linestyle="none",
        markerfacecolor="none" if part.warning else colour,
    )  # fmt: skip


def _description(drawn: _Drawn) -> str:
    models = "; ".join(
        f"{model.outcome.title}: "
        + ", ".join(f"{part.column} {part.value} {format_estimate(_auc(part))}" for part in parts)
        for model, _, parts in drawn
    )
    return f"AUC in subgroups of the reported cases. {models}."
