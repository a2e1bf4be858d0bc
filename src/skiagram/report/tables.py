"""The one kind of table on all pages; the macro `table` in `templates/macros.html.j2` writes it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import NamedTuple, TypeVar

from pydantic import TypeAdapter

from skiagram.declared import read_declared
from skiagram.evaluation.criteria import is_above_ideal
from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.evaluation.figure_table import FigureRow, FigureTable
from skiagram.evaluation.results import ModelResult
from skiagram.report.formatting import (
    ARM_TITLES,
    format_count,
    format_p_value,
    format_percent,
    format_share,
    group_by_arm,
    is_best,
)
from skiagram.statistics.estimate import (
    MISSING,
    Estimate,
    format_decimal,
    format_interval,
    format_signed,
)

NOT_COMPUTED = "not computed for this task"
_ADDRESS = ("figure", "group", "model", "versus")  # of a figure, besides its analysis
T = TypeVar("T")


class Cell(NamedTuple):
    """What stands in a cell; words and numbers without more may stand there as they are.

    Attributes:
        reason: Why there is no value, or why it says little; becomes a note below the table.
        tone: Class of the style: `right`, `wrong` or `code`.
        share: Depth of the colour of `right` and `wrong`, in [0, 1].
    """

    text: str
    small: str = ""
    reason: str = ""
    tone: str = ""
    share: float = 0.0
    mark: str = ""
    bad: bool = False


Cells = Sequence[Cell | str]


class TableRow(NamedTuple):
    """A row: its title, and a cell a column or the reason of a failure in place of all."""

    title: str
    cells: Cells
    best: bool = False
    mark: str = ""
    caution: str = ""
    failure: str = ""


class Group(NamedTuple):
    """Rows below a heading of their own; an empty title gives none.

    Attributes:
        columns: Headings of columns that hold for the group alone.
    """

    title: str
    rows: Sequence[TableRow]
    columns: Sequence[str] = ()


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        columns: Headings after the first one; none where each group has its own.
        groups: Rows by group; rows alone are one group without a title.
        words: Which of `columns` hold words, not numbers.
        best: What the best row is marked with.
    """

    columns: Sequence[str]
    groups: Sequence[Group]
    first: str = "Model"
    words: Sequence[str] = ()
    kind: str = "models"
    best: str = "best of arm"

    @property
    def notes(self) -> dict[str, int]:
        """Why values are missing or say little: reason → its number, in the order met."""
        cells = (cell for group in self.groups for row in group.rows for cell in row.cells)
        reasons = dict.fromkeys(
            cell.reason for cell in cells if isinstance(cell, Cell) and cell.reason
        )
        return {reason: number for number, reason in enumerate(reasons, start=1)}


def fill_cell(
    estimate: Estimate | None,
    digits: int = 3,
    bounds: int = 2,
    *,
    signed: bool = False,
) -> Cell:
    """Return a figure with its interval, or a dash with the reason.

    Args:
        digits: Of the figure, after the point.
        bounds: Of the bounds of its interval.
        signed: Whether it is a difference.
    """
    if estimate is None or estimate.value is None:
        return Cell(MISSING, reason=(estimate.reason if estimate else "") or NOT_COMPUTED)
    number = format_signed if signed else format_decimal
    return Cell(number(estimate.value, digits), format_interval(estimate, bounds, signed=signed))


def show_value(estimate: Estimate) -> Cell | str:
    """Show a figure alone, or a dash with the reason."""
    return fill_cell(estimate) if estimate.value is None else format_decimal(estimate.value)


def fill_difference(estimate: Estimate | None) -> Cell:
    """Return a difference with its sign; its bounds are as fine as itself."""
    return fill_cell(estimate, bounds=3, signed=True)


# How a figure is written, by name.
_SHOW: dict[str, Callable[[FigureRow], Cell | str]] = {
    "": fill_cell,
    "signed": partial(fill_cell, signed=True),
    "difference": fill_difference,
    "value": show_value,
    "percent": lambda share: format_percent(share.value),
    "share": lambda share: format_share(share.value),
    "count": lambda cases: format_count(cases.value),
    "p": lambda difference: format_p_value(difference.p_holm),
    "signed, 1 digit": partial(fill_cell, digits=1, bounds=1, signed=True),
    "1 digit": lambda figure: format_decimal(figure.value, 1),
    "2 digits": lambda figure: format_decimal(figure.value, 2),
    "3 digits": lambda figure: format_decimal(figure.value),
}


class Column(NamedTuple):
    """A column of figures: its heading, which figure of each row it shows, and how.

    Attributes:
        absent: Why a row may lack it.
        analysis: Which one found it; empty for that of the whole table.
    """

    heading: str
    figure: str
    group: str = ""
    show: str = ""
    absent: str = NOT_COMPUTED
    analysis: str = ""
    model: str = ""
    versus: str = ""
    design: str = ""
    is_optional: bool = False


def pivot(
    figures: FigureTable, rows: str, columns: Sequence[Column], analysis: str
) -> dict[str, list[Cell | str]]:
    """Turn figures into cells: the value of what makes rows, in the order met → a cell a column.

    Args:
        rows: What makes rows, such as `model` or `group`; all else is as a column says.
        analysis: Of columns that name none.
    """
    wanted = [
        {name: getattr(column, name) for name in _ADDRESS if name != rows}
        | {"analysis": column.analysis or analysis}
        for column in columns
    ]
    return {
        key: [
            _SHOW[column.show](
                figure or FigureRow(None, reason=column.absent, analysis="", figure="")
            )
            for column, figure in zip(columns, found, strict=True)
        ]
        for key, found in figures.pivot(rows, wanted).items()
    }


def list_rows(rows: Sequence[TableRow]) -> tuple[Group, ...]:
    """List rows that need no headings of groups."""
    return (Group("", rows),)


def tabulate_figures(
    evaluation: Evaluation, analysis: str, columns: Sequence[Column], *extra: Group
) -> Table:
    """Make a row a model, by arm, and its figures of one analysis in the columns.

    A model without any says why by its Brier score where that has no value either.
    """
    measured = evaluation.table.select(analysis=analysis).list_distinct("model")
    found = pivot(evaluation.table, "model", columns, analysis)

    def cells(model: ModelResult) -> Cells | None:
        if model.outcome.model not in measured:
            brier = model.find("brier")
            return [fill_cell(brier)] * len(columns) if brier.reason else None
        return found[model.outcome.model]

    return tabulate_models(evaluation, [column.heading for column in columns], cells, *extra)


class DeclaredTable(NamedTuple):
    """A table of `tables.yaml`."""

    analysis: str
    columns: tuple[Column, ...]
    rows: str = "model"
    first: str = "Model"
    title: str = ""
    share: bool = False


@cache
def read_tables() -> dict[str, DeclaredTable]:
    """Return name → table that is declared."""
    declared = read_declared("skiagram.report", "tables.yaml")
    return TypeAdapter(dict[str, DeclaredTable]).validate_python(declared)


def tabulate_declared(evaluation: Evaluation, name: str) -> Table | None:
    """Make a table of `tables.yaml`; None where nothing has its first figure."""
    table, columns = read_tables()[name], list[Column]()
    analysis, sides = table.analysis, {"contender": evaluation.contender}
    for each in table.columns:
        figure = evaluation.primary if each.figure == "primary" else each.figure
        model = sides.get(each.model, each.model)
        each = each._replace(figure=figure, model=model)
        found = evaluation.table.select(analysis=each.analysis or analysis, figure=each.figure)
        if each.design not in ("", evaluation.task.design) or (each.is_optional and not found):
            continue
        if not found and not columns:
            return None
        # One column, or one for each class.
        groups = evaluation.task.classes if "{class}" in each.heading else ("",)
        columns += [
            each._replace(heading=each.heading.replace("{class}", group), group=group)
            for group in groups
        ]
    if table.rows == "model":
        return tabulate_figures(evaluation, analysis, columns)
    # Rows of groups of cases, of what is compared.
    words, figures = evaluation.contender_words, evaluation.figures
    prevalence = figures.find(analysis=analysis, figure="prevalence").value
    named = {
        "contender": words,
        "Contender": words.capitalize(),
        "prevalence": format_share(prevalence),
    }
    rows = [
        TableRow(format_share(float(key)) if table.share else key, cells)
        for key, cells in pivot(figures, table.rows, columns, analysis).items()
    ]
    headings = [each.heading.format(**named) for each in columns]
    return Table(headings, [Group(table.title.format(**named), rows)], first=table.first)


def tabulate_models(
    evaluation: Evaluation,
    columns: Sequence[str],
    cells: Callable[[ModelResult], Cells | None],
    *extra: Group,
) -> Table:
    """Make a row a model, by arm."""
    nothing = (Cell(MISSING, reason=NOT_COMPUTED),) * len(columns)
    groups = [
        Group(
            ARM_TITLES[arm],
            [
                make_model_row(evaluation, model, lambda result: cells(result) or nothing)
                for model in models
            ],
        )
        for arm, models in group_by_arm(evaluation)
    ]
    return Table(columns, (*groups, *extra))


def make_model_row(
    evaluation: Evaluation, model: ModelResult, cells: Callable[[ModelResult], Cells]
) -> TableRow:
    """Make a model's row; a failed one has its reason in the place of cells."""
    outcome = model.outcome
    if outcome.status == "failed":
        reason = outcome.reason or "no reason was recorded"
        return TableRow(outcome.title, (), failure=reason)
    caution = "above the ideal" if is_above_ideal(model.figures) else ""
    return TableRow(outcome.title, cells(model), best=is_best(evaluation, model), caution=caution)
