"""The one kind of table on all pages; the macro `table` in `templates/macros.html.j2` writes it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import NamedTuple, TypeVar

from pydantic import TypeAdapter

from skiagram.declared import read_declared
from skiagram.evaluation.criteria import beats_baseline, find_side, find_told_side, is_above_ideal
from skiagram.evaluation.evaluation_record import PRIMARY, VERSUS_CHANCE, Evaluation
from skiagram.evaluation.figure_table import FigureRow, FigureTable
from skiagram.evaluation.results import ModelResult
from skiagram.evaluation.verdict import relate
from skiagram.report.formatting import (
    ARM_TITLES,
    format_count,
    format_percent,
    format_share,
    group_by_arm,
    is_best,
    name_arms,
    name_chance,
)
from skiagram.statistics.estimate import (
    MISSING,
    Estimate,
    format_decimal,
    format_difference,
    format_interval,
    format_p_value,
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
    "raw p": lambda difference: format_p_value(difference.p),
    "in words": lambda difference: difference.reason or format_difference(difference),
    "signed, 1 digit": partial(fill_cell, digits=1, bounds=1, signed=True),
    "1 digit": lambda figure: format_decimal(figure.value, 1),
    "2 digits": lambda figure: format_decimal(figure.value, 2),
    "3 digits": lambda figure: format_decimal(figure.value),
}


class Column(NamedTuple):
    """A column of figures: its heading, which figure of each row it shows, and how.

    Attributes:
        heading: What stands above it; empty for the title of its figure.
        absent: Why a row may lack it.
        analysis: Which one found it; empty for that of the whole table.
    """

    heading: str = ""
    figure: str = "primary"
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
            _SHOW[column.show](figure or _absent(column))
            for column, figure in zip(columns, found, strict=True)
        ]
        for key, found in figures.pivot(rows, wanted).items()
    }


def _absent(column: Column) -> FigureRow:
    return FigureRow(None, reason=column.absent, analysis="", figure="")


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


@dataclass(frozen=True)
class DeclaredTable:
    """A table of `tables.yaml`, where it stands what each field means."""

    analysis: str
    columns: tuple[Column, ...]
    rows: str = "model"
    first: str = "Model"
    title: str = ""
    share: bool = False
    names: dict[str, str] = field(default_factory=dict)
    arms: bool = False
    words: tuple[str, ...] = ()
    kind: str = "models"
    of_two_classes: bool = False


@cache
def read_tables() -> dict[str, DeclaredTable]:
    """Return name → table that is declared."""
    declared = read_declared("skiagram.report", "tables.yaml")
    return TypeAdapter(dict[str, DeclaredTable]).validate_python(declared)


def tabulate_declared(evaluation: Evaluation, name: str, group: str = "") -> Table | None:
    """Make a table of `tables.yaml`; None where nothing has its first figure.

    Args:
        group: Of columns that name none.
    """
    table, columns = read_tables()[name], list[Column]()
    analysis, figures = table.analysis, evaluation.table
    # What headings name.
    words = evaluation.contender_words
    prevalence = figures.find(analysis=analysis, figure="prevalence").value
    named = {
        "contender": words,
        "Contender": words.capitalize(),
        "prevalence": format_share(prevalence or evaluation.prevalence),
        "figure": evaluation.task.predicted.figure_words,
    }
    is_kept = table.of_two_classes and evaluation.task.predicted.positive is not None
    # The columns that the run has.
    for each in table.columns:
        figure = evaluation.primary if each.figure == "primary" else each.figure
        model = evaluation.contender if each.model == "contender" else each.model
        each = each._replace(figure=figure, model=model, group=each.group or group)
        address = {"analysis": each.analysis or analysis, "figure": figure}
        if table.rows == "figure":
            del address["figure"]
        found = figures.select(**address)
        if each.design not in ("", evaluation.task.design) or (each.is_optional and not found):
            continue
        if not found and not columns and not is_kept:
            return None
        # One column, or one for each class.
        heading = each.heading or evaluation.task.predicted.title_figure(figure)
        groups = evaluation.task.predicted.classes if "{class}" in heading else (each.group,)
        columns += [
            each._replace(heading=heading.format(**named, **{"class": part}), group=part)
            for part in groups
        ]
    if table.rows == "model":
        return tabulate_figures(evaluation, analysis, columns)
    # Rows of what is compared, else of groups of cases or of figures.
    if table.rows in ("pair", "versus"):
        made = _list_pairs(evaluation, table, columns)
    else:
        cells = pivot(figures, table.rows, columns, analysis)
        absent = [_SHOW[each.show](_absent(each)) for each in columns]
        rows = [
            TableRow(format_share(float(key)) if table.share else title, cells.get(key, absent))
            for key, title in (table.names or {key: key for key in cells}).items()
        ]
        made = [Group(table.title.format(**named), rows)]
    headings = [each.heading for each in columns]
    return Table(headings, made, table.first, table.words, table.kind) if made else None


def _list_pairs(
    evaluation: Evaluation, table: DeclaredTable, columns: Sequence[Column]
) -> list[Group]:
    """List a row for each difference of an analysis, in the order of the record.

    Its title is the model, or what is subtracted, below the model.
    """
    # How sides are called: models by their titles, arms by what stands for them.
    firsts = seconds = titles = evaluation.titles
    if table.rows == "versus":
        firsts = {arm: titles[choice.model] for arm, choice in evaluation.arms.items()}
        seconds = titles | {VERSUS_CHANCE: name_chance(evaluation)}
    elif table.arms:
        firsts = seconds = name_arms(evaluation, is_primary=table.analysis == PRIMARY)
    # How a difference is written where that hangs on its direction or its sides.
    show = _SHOW | {
        "versus": lambda pair: seconds[pair.versus],
        "better": lambda pair: "yes" if beats_baseline(evaluation.direct(pair)) else "not shown",
        "relation": lambda pair: _relate(evaluation, evaluation.direct(pair)),
    }
    groups: dict[str, list[TableRow]] = {}
    asked = {"analysis": table.analysis, "figure": evaluation.primary, "group": ""}
    for pair in evaluation.figures.select(**asked).rows:
        if pair.versus:
            group, title = firsts[pair.model], seconds[pair.versus]
            if table.rows == "pair":
                group, title = "", firsts[pair.model]
            row = TableRow(title, [show[each.show](pair) for each in columns])
            groups.setdefault(group, []).append(row)
    return [Group(title, rows) for title, rows in groups.items()]


def _relate(evaluation: Evaluation, pair: FigureRow) -> str:
    """Say what a pair shows; where p was corrected over a family, no more than that p allows."""
    if find_told_side(pair) != find_side(pair):
        return "not told apart once p is corrected for the number of pairs"
    return relate(evaluation, pair, "the first model", "the second model")


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
    """Make a model's row; a failed one has its reason in the place of cells.

    Args:
        evaluation: Which tells the best of an arm.
        model: Of the row; one above the ideal observer is marked.
        cells: Fills those of a model that was trained.
    """
    outcome = model.outcome
    if outcome.status == "failed":
        reason = outcome.reason or "no reason was recorded"
        return TableRow(outcome.title, (), failure=reason)
    caution = "above the ideal" if is_above_ideal(model.figures) else ""
    return TableRow(outcome.title, cells(model), best=is_best(evaluation, model), caution=caution)
