"""What an outcome asks of the commands that read a table, and a table's rows."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

VALUE = "outcome_value"  # column of the values in the table that the project keeps
COLUMN = "COLUMN"


class Row(Protocol):
    """A row of a table."""

    @property
    def cells(self) -> Mapping[str, str]:
        """Return column name → cell without blanks around it."""

    @property
    def where(self) -> str:
        """Return what names the row in a message."""

    def number(self, column: str) -> float | None:
        """Return the finite number that a cell says; None of any other."""


class Table(NamedTuple):
    """Rows of a table.

    Attributes:
        known: Of each row, whether it is of a development case; others are sealed.
    """

    rows: Sequence[Row]
    known: Sequence[bool]


class ColumnOption(NamedTuple):
    """An option of the commands that read a table; none is there where it is not given.

    Attributes:
        name: Without dashes, with underscores.
        words: What `--help` says.
        metavar: What it takes; `COLUMN` of one that names columns, which are then in the table.
        several: Whether it takes one or more.
        type: What makes a value of a word.
    """

    name: str
    words: str
    metavar: str | None = COLUMN
    several: bool = False
    type: Callable[[str], Any] = str

    @property
    def flag(self) -> str:
        """Return the option as it is typed."""
        return f"--{self.name.replace('_', '-')}"


UNIT = ColumnOption(
    "unit",
    "what the time counts (default: days), or the number is measured in, such as mm",
    metavar=None,
)


def plain(cell: str) -> str:
    """Return a cell such that `0`, `0.0` and `No ` are those that are meant."""
    text = cell.strip().casefold()
    try:
        return f"{float(text):g}"
    except ValueError:
        return text
