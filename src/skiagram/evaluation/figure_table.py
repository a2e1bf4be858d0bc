"""The long table of figures: analyses append rows, criteria read them, and what shows selects."""

from collections.abc import Iterator
from dataclasses import dataclass

from skiagram.statistics.estimate import Estimate


@dataclass(frozen=True, kw_only=True)
class FigureRow(Estimate):
    """A figure of an analysis, with its interval, or the reason why there is none.

    Attributes:
        analysis: Which analysis found it, for example `sites`.
        figure: What it is, for example `roc_auc`; `p` and `p_holm` are those of the figure of the
            same model, versus and group.
        model: A model, a reader or what stands for an arm; empty for none alone.
        versus: What was subtracted from it; empty where nothing was.
        group: The cases that it is of, for example a site; empty for all that are reported.
    """

    analysis: str
    figure: str
    model: str = ""
    versus: str = ""
    group: str = ""


@dataclass(frozen=True)
class FigureTable:
    """Rows in the order in which the analyses gave them."""

    rows: tuple[FigureRow, ...] = ()

    def __bool__(self) -> bool:
        """Return whether there is any row."""
        return bool(self.rows)

    def select(self, **wanted: str) -> "FigureTable":
        """Return the rows whose columns have these values."""
        return FigureTable(tuple(row for row in self.rows if _has(row, wanted)))

    def find(self, **wanted: str) -> Estimate:
        """Return the first row whose columns have these values; without a value where none has."""
        return next((row for row in self.rows if _has(row, wanted)), Estimate(None))

    def list_distinct(self, column: str) -> tuple[str, ...]:
        """Return the values of a column that are not empty, in the order met."""
        values: Iterator[str] = (getattr(row, column) for row in self.rows)
        return tuple(dict.fromkeys(value for value in values if value))

    def by_model(self, figure: str) -> dict[str, Estimate]:
        """Return model → a figure of it."""
        return {row.model: row for row in self.rows if row.figure == figure and row.model}


def make_row(
    estimate: Estimate,
    analysis: str,
    figure: str,
    *,
    model: str = "",
    versus: str = "",
    group: str = "",
) -> FigureRow:
    """Return a figure as a row of the table."""
    return FigureRow(
        **vars(estimate), analysis=analysis, figure=figure, model=model, versus=versus, group=group
    )


def _has(row: FigureRow, wanted: dict[str, str]) -> bool:
    return all(getattr(row, column) == value for column, value in wanted.items())
