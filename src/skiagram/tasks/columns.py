"""What an outcome asks of the commands that read a table, a table's rows, and missing cells.

Which words stand for a missing value is said here once, for labels, events, grades and patients.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn, Protocol

from skiagram.errors import DataError

VALUE = "outcome_value"  # column of the values in the table that the project keeps
COLUMN = "COLUMN"
_MISSING = {
    *("na", "n/a", "n.a.", "n.a", "k.a.", "nan", "<na>", "null", "none", "nil", "tbd", "nat"),
    *(".", "-", "--", "?", "???", "*", "missing", "unknown", "unk", "undefined", "unspecified"),
    *("notavailable", "notreported", "notapplicable", "notevaluated", "notknown", "notrecorded"),
    *("notassessed", "notstated", "notspecified", "notdone", "nodata", "indeterminate"),
    *("discrepancy", "unbekannt", "inconnu", "desconocido", "sconosciuto"),
}
_TRUTH = {"true": 1.0, "false": 0.0}
_BRACKETS = re.compile(r"[\[(<](.*)[\])>]")  # the TCGA writes `[Not Available]`
# Of spreadsheets in several languages, such as #REF!, #BEZUG!, #¡VALOR!, #DIV/0!, #N/A, #NV, ####.
_ERROR = re.compile(r"(?i)#[¡¿]?[^\W\d_]+(/0)?[!?]|#n/[abdv]!?|#nv|#i/t|#{2,}")
MISSING_CODES = (9, 99, 999, 9999, 99999)  # numbers by which data sets mark a missing value
_FAR = 3  # times the next number, of a code among numbers that are no counts


class OutcomeRow(Protocol):
    """A row of a table."""

    @property
    def cells(self) -> Mapping[str, str]:
        """Return column name → cell without blanks around it."""

    @property
    def where(self) -> str:
        """Return what names the row in a message."""

    def number(self, column: str) -> float | None:
        """Return the finite number that a cell says; None of any other."""


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
    "what the time counts (default: as the column's name says, such as OS_MONTHS, else days), or "
    "the number is measured in, such as mm",
    metavar=None,
)


def plain(cell: str) -> str:
    """Return a cell such that `0`, `0.0` and `No ` are those that are meant."""
    text = cell.strip().casefold()
    try:
        return f"{float(text):g}"
    except ValueError:
        return text


def split_list(cell: str, mark: str) -> set[str]:
    """Return the findings that a cell lists; it may be a list as Python writes it."""
    is_list = cell.startswith("[") and cell.endswith("]")
    parts = (cell[1:-1] if is_list else cell).split(mark)
    return {part.strip(" '\"" if is_list else None) for part in parts} - {""}


def are_equal(cell: str, other: str) -> bool:
    """Return whether two cells say the same: `1`, `1.0` and `True` do."""
    return cell == other or same_value(cell) == same_value(other)


def same_value(cell: str) -> float | str:
    """Return what a cell says: its number, 1 and 0 of `True` and `False`, else its text."""
    if (truth := _TRUTH.get(cell.casefold())) is not None:
        return truth
    try:
        return cell if "_" in cell else float(cell)
    except ValueError:
        return cell


def stands_for_missing(cell: str) -> bool:
    """Return whether a cell is a word by which programs mark what is not known."""
    text = "".join(re.split(r"[\s_]+", cell.casefold()))
    inside = _BRACKETS.fullmatch(text)
    return text in _MISSING or (inside is not None and inside[1] in _MISSING) or is_error(cell)


def is_error(cell: str) -> bool:
    """Return whether a cell is the error of a spreadsheet's formula, such as `#REF!`."""
    return _ERROR.fullmatch(cell) is not None


def find_missing_code(numbers: Collection[float], *, counts: bool) -> float | None:
    """Return a number that looks like a mark of missing values, such as 99; None where none does.

    It lies apart from all others: below 0 where these are not, or above them.

    Args:
        numbers: Of a column, each once or several times.
        counts: Whether the numbers are grades or classes, of which each follows another one.
    """
    least, *others = sorted(set(numbers)) or [0.0]
    if len(others) < 1 + counts:  # two classes may have any two numbers
        return None
    codes = (1, *MISSING_CODES) if counts else MISSING_CODES[1:]
    if -least in codes and others[0] >= 0:
        return least
    highest, below = others[-1], [least, *others[:-1]][-1]
    apart = below + 1 if counts else _FAR * abs(below)
    return highest if highest in codes[counts:] and highest > apart else None


def describe_code(numbers: Sequence[float], further: str = " --empty-label leave-out") -> str:
    """Return a sentence on a number that looks like a mark of missing values; empty without one.

    Args:
        further: Options that rows without the value need.
    """
    code = find_missing_code(numbers, counts=False)
    if code is None:
        return ""
    return (
        f" {numbers.count(code)} rows have {code:g}, far from all others: where it marks missing "
        f"values, add `--missing {code:g}{further}`."
    )


def refuse_code(rows: Sequence[OutcomeRow], column: str, code: float, named: str) -> NoReturn:
    """Refuse a number that looks like a mark of missing values, where nobody said what it is.

    Args:
        named: What the line has where the number is meant as such.
    """
    found = sum(plain(row.cells[column]) == f"{code:g}" for row in rows)
    raise DataError(
        f"{found} of {len(rows)} rows have {code:g}, which looks like a mark of missing values",
        where=f"column `{column}`",
        allowed="grades or classes that follow one another, or those that are named",
        remedy=f"where it means that nothing is known: `--missing {code:g} --empty-label "
        f"leave-out`; where it is one of them: `{named}`",
    )
