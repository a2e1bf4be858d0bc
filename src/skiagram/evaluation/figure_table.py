"""The long table of figures: analyses append rows, criteria read them, and what shows selects."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING

from skiagram.statistics.estimate import Estimate

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class FigureRow(Estimate):
    """A figure of an analysis, with its interval, or the reason why there is none.

    Attributes:
        analysis: Which analysis found it, for example `sites`.
        figure: What it is, for example `roc_auc`.
        model: A model, a reader, or the arm that a model stands for; empty for none alone.
        versus: What was subtracted from it; empty where nothing was.
        group: The cases that it is of, for example a site; empty for all that are reported.
        p: Two-sided p value of no difference; None where none was computed.
        p_holm: The same, corrected over a family of comparisons that its analysis names.
    """

    analysis: str
    figure: str
    model: str = ""
    versus: str = ""
    group: str = ""
    p: float | None = None
    p_holm: float | None = None

    @property
    def name(self) -> str:
        """Return the figure, with the cases or the horizon that it is of."""
        return f"{self.figure}, {self.group}".removesuffix(", ")


COLUMNS = [
    *("analysis", "model", "versus", "group", "figure"),
    *("value", "low", "high", "method", "reason", "p", "p_holm"),
]


@dataclass(frozen=True)
class FigureTable:
    """Rows in the order in which the analyses gave them."""

    rows: tuple[FigureRow, ...] = ()

    def __bool__(self) -> bool:
        """Tell whether there is any row."""
        return bool(self.rows)

    def frame(self) -> "pd.DataFrame":
        """Make a data frame of it, a row a figure, with the columns of `COLUMNS`."""
        import pandas as pd  # commands read figures without it

        return pd.DataFrame([asdict(row) for row in self.rows], columns=COLUMNS)

    def select(self, **values: str) -> "FigureTable":
        """Select the rows whose columns have these values."""
        return FigureTable(tuple(self._matching(values)))

    def get(self, **values: str) -> FigureRow | None:
        """Find the first row whose columns have these values; None where none has."""
        return next(self._matching(values), None)

    @cached_property
    def _of_analyses(self) -> Mapping[str, tuple[FigureRow, ...]]:
        """Sort the rows by their analysis, once for all who ask."""
        rows: dict[str, list[FigureRow]] = {}
        for row in self.rows:
            rows.setdefault(row.analysis, []).append(row)
        return {analysis: tuple(found) for analysis, found in rows.items()}

    def _matching(self, values: Mapping[str, str]) -> Iterator[FigureRow]:
        """Yield the rows whose columns have these values."""
        # Pages ask often: only the rows of the analysis that is asked for are looked through.
        rows = self._of_analyses.get(values["analysis"], ()) if "analysis" in values else self.rows
        for row in rows:
            if all(getattr(row, column) == value for column, value in values.items()):
                yield row

    def find(self, **values: str) -> Estimate:
        """Find the first row whose columns have these values; without a value where none has."""
        return self.get(**values) or Estimate(None)

    def list_distinct(self, column: str) -> tuple[str, ...]:
        """List the values of a column that are not empty, in the order met.

        Args:
            column: Name of a field of `FigureRow`, such as `model` or `group`.
        """
        values: Iterator[str] = (getattr(row, column) for row in self.rows)
        return tuple(dict.fromkeys(value for value in values if value))

    def pivot(
        self, rows: str, columns: Sequence[Mapping[str, str]]
    ) -> dict[str, list[FigureRow | None]]:
        """Return the table turned: value of the column that makes rows → a figure for each column.

        Args:
            rows: Name of the column whose values make rows, in the order met, for example `model`.
            columns: What the other columns of a figure are, such as its `analysis` and `figure`;
                None stands where no figure is such.
        """
        turned: dict[str, list[FigureRow | None]] = {}
        for place, values in enumerate(columns):
            for row in self.select(**values).rows:
                cells = turned.setdefault(getattr(row, rows), [None] * len(columns))
                cells[place] = cells[place] or row
        return turned

    def by_model(self, figure: str) -> dict[str, FigureRow]:
        """Return model → a figure of it."""
        return {row.model: row for row in self.rows if row.figure == figure and row.model}


_ESTIMATE_COLUMNS = tuple(column.name for column in fields(Estimate))


def make_row(
    estimate: Estimate | float,
    analysis: str,
    figure: str,
    *,
    model: str = "",
    versus: str = "",
    group: str = "",
    p: float | None = None,
) -> FigureRow:
    """Make a figure, or a number without an interval, as a row of the table."""
    known = estimate if isinstance(estimate, Estimate) else Estimate(float(estimate))
    return FigureRow(
        **{name: getattr(known, name) for name in _ESTIMATE_COLUMNS},
        analysis=analysis,
        figure=figure,
        model=model,
        versus=versus,
        group=group,
        p=p,
    )
