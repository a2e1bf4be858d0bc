"""Subgroups: results of the best model of each arm in parts of the test cases."""

from collections.abc import Callable, Sequence

from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.evaluation.results import CASES, OTHERS, SUBGROUPS, ModelResult, Part, patients_of
from skiagram.report.drawing import (
    Drawing,
    IntervalRow,
    best_of_each_arm,
    draw_rows,
    wrap_title,
)
from skiagram.report.formatting import (
    finished_models,
    format_count,
    metric_heading,
)
from skiagram.report.tables import Cell, Cells, Group, Table, TableRow, fill_cell, fill_difference
from skiagram.statistics.estimate import MISSING, Estimate, format_estimate, format_p_value
from skiagram.tasks.classes import CLASS_FIGURES

_MAX_ROWS = 24  # subgroups in the figure; more stand in the table alone


def _list_best(evaluation: Evaluation) -> list[ModelResult]:
    """List what stands for an arm, or is compared, and has figures of parts."""
    best = {*evaluation.best.values()}
    return [
        model
        for model in finished_models(evaluation)
        if model.outcome.model in best and model.parts
    ]


def list_figures(evaluation: Evaluation) -> dict[str, Table]:
    """List title → table of the figures of the best of each arm that has any."""
    best = _list_best(evaluation)
    return {model.outcome.title: tabulate_subgroups(evaluation, model) for model in best}


def list_differences(evaluation: Evaluation) -> dict[str, Table]:
    """List title → table of the differences of the best of each arm that has any."""
    return {
        model.outcome.title: tabulate_subgroup_differences(evaluation, model)
        for model in _list_best(evaluation)
        if model.figures.select(analysis=SUBGROUPS, versus=OTHERS)
    }


def tabulate_subgroups(evaluation: Evaluation, model: ModelResult) -> Table:
    """Tabulate a model's figures, one group per column of the cases, one row per value."""
    # Every figure that was computed for parts, in the order of the report.
    figures = model.figures.select(analysis=SUBGROUPS, versus="")
    computed = {*figures.list_distinct("figure"), "roc_auc"}
    metrics = [metric.name for metric in CLASS_FIGURES if metric.name in computed]
    classes = evaluation.task.predicted.classes

    def cells(part: Part) -> Cells:
        # A part without enough cases shows the reason in each cell.
        part_figures = figures.select(group=part.name)
        absent = Estimate(None, reason=part.warning or part.value)
        if not (cases := part_figures.find(figure=CASES).value):
            return [fill_cell(absent)] * (1 + len(classes) + len(metrics))
        return [
            format_count(cases),
            *(
                format_count(part_figures.find(figure=patients_of(name)).value or 0)
                for name in classes
            ),
            *(fill_cell(part_figures.get(figure=metric) or absent) for metric in metrics),
        ]

    columns = [
        "Cases",
        *(f"Patients, {name}" for name in classes),
        *(metric_heading(metric, evaluation.task) for metric in metrics),
    ]
    return Table(columns, _group_parts(model.parts, cells), first="Subgroup")


def tabulate_subgroup_differences(evaluation: Evaluation, model: ModelResult) -> Table:
    """Tabulate each part's figures minus those of all other cases."""
    # The differences, with p before and after correction.
    figures = model.figures.select(analysis=SUBGROUPS)
    tested = figures.select(versus=OTHERS)
    computed = tested.list_distinct("figure")
    metrics = [metric.name for metric in CLASS_FIGURES if metric.name in computed]

    def cells(part: Part) -> Cells:
        filled: list[Cell | str] = []
        for name in metrics:
            difference = tested.get(group=part.name, figure=name)
            if difference is None or difference.value is None:
                filled += [MISSING, MISSING]
            else:
                p = f"{format_p_value(difference.p)} | {format_p_value(difference.p_holm)}"
                filled += [fill_difference(difference), p]
        return filled

    # Two columns for each figure: difference, and its p values.
    headings = [(metric_heading(name, evaluation.task), "p, raw | Holm") for name in metrics]
    columns = [heading for pair in headings for heading in pair]
    parts = [part for part in model.parts if figures.find(group=part.name, figure=CASES).value]
    return Table(columns, _group_parts(parts, cells), first="Subgroup minus all other cases")


def _group_parts(parts: Sequence[Part], cells: Callable[[Part], Cells]) -> list[Group]:
    rows: dict[str, list[TableRow]] = {}
    for part in parts:
        row = TableRow(part.value, cells(part), caution=part.warning)
        rows.setdefault(part.column.replace("_", " "), []).append(row)
    return [Group(column, rows_of_column) for column, rows_of_column in rows.items()]


def draw_subgroups(evaluation: Evaluation) -> Drawing | None:
    """Draw the AUC in each subgroup, open where it has few patients; None where none has one."""
    drawn = list(best_of_each_arm(evaluation, lambda model: model.parts or None))
    # All cases, then every part in which a model has an AUC.
    whole, rows = list[IntervalRow](), list[IntervalRow]()
    for model, _, parts in drawn:
        title, arm = wrap_title(model.outcome.title, 34), model.outcome.arm
        whole.append(IntervalRow("all cases", title, arm, model.find("roc_auc")))
        for part in parts:
            auc, name = model.find("roc_auc", SUBGROUPS, part.name), part.name.replace("_", " ")
            if auc.value is not None:
                rows.append(IntervalRow(name, title, arm, auc, is_open=bool(part.warning)))
    shown = list(dict.fromkeys(row.group for row in rows))[:_MAX_ROWS]
    rows = [row for row in rows if row.group in shown]
    if not rows:
        return None
    return draw_rows("subgroups", [*whole, *rows], "AUC with 95 % interval", format_estimate)
