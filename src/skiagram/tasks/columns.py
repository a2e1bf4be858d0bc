"""What an outcome asks of the commands that read a table, and a table's rows."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, NoReturn, Protocol

from skiagram.declared import read_declared
from skiagram.errors import refusal
from skiagram.tables.cells import plain

VALUE = "outcome_value"  # column of the values in the table that the project keeps
COLUMN = "COLUMN"
_OPTIONS = read_declared("skiagram.tasks", "columns.yaml")


class OutcomeRow(Protocol):
    """A row of a table."""

    @property
    def cells(self) -> Mapping[str, str]:
        """Read column name → cell without blanks around it."""

    @property
    def where(self) -> str:
        """Say what names the row in a message."""

    def number(self, column: str) -> float | None:
        """Read the finite number that a cell says; None of any other."""


class OutcomeTable(NamedTuple):
    """Rows of a table.

    Attributes:
        known: Of each row, whether it is of a development case; others are sealed.
    """

    rows: Sequence[OutcomeRow]
    known: Sequence[bool]


class ColumnOption(NamedTuple):
    """An option of the commands that read a table; none is there where it is not given.

    Attributes:
        name: Without dashes, with underscores.
        words: What `--help` says.
        metavar: What it takes; `COLUMN` of one that names columns, which are then in the table.
        several: Whether it takes one or more.
        numbers: Whether its values are numbers.
    """

    name: str
    words: str
    metavar: str | None = COLUMN
    several: bool = False
    numbers: bool = False

    @property
    def flag(self) -> str:
        """Write the option as it is typed."""
        return f"--{self.name.replace('_', '-')}"


def read_options(kind: str) -> tuple[ColumnOption, ...]:
    """Read what a kind of outcome asks of the commands that read a table."""
    return tuple(ColumnOption(name, **row) for name, row in _OPTIONS[kind].items())


def refuse_code(rows: Sequence[OutcomeRow], column: str, code: float, named: str) -> NoReturn:
    """Refuse a number that looks like a mark of missing values, where nobody said what it is.

    Args:
        named: What the line has where the number is meant as such.
    """
    found = sum(plain(row.cells[column]) == f"{code:g}" for row in rows)
    raise refusal(
        "tasks.missing_code",
        f"column `{column}`",
        number=found,
        every=len(rows),
        code=code,
        classes=named,
    )
