"""What an outcome asks of the commands that read a table, and a table's rows."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from skiagram.declared import read_declared
from skiagram.errors import refusal
from skiagram.tables.cells import join_codes, plain

if TYPE_CHECKING:  # commands print their help without pandas
    from skiagram.tables.frames import TableLine

VALUE = "outcome_value"  # column of the values in the table that the project keeps
COLUMN = "COLUMN"
OPTIONS = read_declared("skiagram.tasks", "columns.yaml")


class OutcomeTable(NamedTuple):
    """Rows of a table.

    Attributes:
        known: Of each row, whether it is of a development case; others are sealed.
    """

    rows: "Sequence[TableLine]"
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


def refuse_cells(
    key: str,
    odd: "Sequence[TableLine]",
    rows: "Sequence[TableLine]",
    column: str,
    **places: object,
) -> None:
    """Refuse odd rows of a table by the first of them; do nothing where there is none.

    Args:
        key: Of the refusal, whose words may name `number`, `every` and `example`.
        odd: Rows that are refused.
        rows: All of the table.
        column: Whose cells are odd.
        places: Further words of the refusal.
    """
    if odd:
        raise refusal(
            key,
            f"{odd[0].where}, column `{column}`",
            number=len(odd),
            every=len(rows),
            example=odd[0].cells[column],
            kind=None,
            **places,
        )


def refuse_codes(
    rows: "Sequence[TableLine]", column: str, codes: Sequence[float], named: str
) -> NoReturn:
    """Refuse numbers that look like marks of missing values, where nobody said what they are.

    Args:
        named: What the line has where the number is meant as such.
    """
    typed = join_codes(codes)
    found = sum(plain(row.cells[column]) in typed.split() for row in rows)
    raise refusal(
        "tasks.missing_code",
        f"column `{column}`",
        number=found,
        every=len(rows),
        code=join_codes(codes, " or "),
        typed=typed,
        classes=named,
    )
