"""What a cell says: a number, nothing, or whose it is. Cells are text until somebody asks here.

Words that say it are declared in `words.yaml`.
"""

import math
import re
from collections.abc import Collection, Sequence
from contextlib import suppress

from skiagram.declared import read_declared

_WORDS: dict[str, frozenset[str]] = {
    kind: frozenset().union(*lists)
    for kind, lists in read_declared("skiagram.tables", "words.yaml").items()
}
_MISSING, _NOBODY, UNMEASURED = (_WORDS[kind] for kind in ("missing", "nobody", "unmeasured"))
_PATIENT_WORD = re.compile(r"(patient|subject|case|person|name|id)s?")
# A minus sign marks a missing id, while a feature may be -1 and a grade 9: those are asked about.
_NO_IDS = {"-1", "-9", "-99", "-999", "-9999"}
_TRUTH = {"true": 1.0, "false": 0.0}
_BRACKETS = re.compile(r"[\[(<](.*)[\])>]")  # the TCGA writes `[Not Available]`
# Of spreadsheets in several languages, such as #REF!, #BEZUG!, #¡VALOR!, #DIV/0!, #N/A, #NV, ####.
_ERROR = re.compile(r"(?i)#[¡¿]?[^\W\d_]+(/0)?[!?]|#n/[abdv]!?|#nv|#i/t|#{2,}")
BETWEEN = "; "  # several names, or states, in one cell
MISSING_CODES = (9, 99, 999, 9999, 99999)  # numbers by which data sets mark a missing value
_FAR = 3  # times the next number, of a code among numbers that are no counts


def number_of(cell: str) -> float | None:
    """Return the finite number that a cell says; None of any other, such as `12_1` or `nan`."""
    with suppress(ValueError):
        number = float(cell)
        if math.isfinite(number) and "_" not in cell:  # a number to Python alone
            return number
    return None


def plain(cell: str) -> str:
    """Return a cell such that `0`, `0.0` and `No ` are those that are meant."""
    text = cell.strip().casefold()
    number = number_of(text)
    return text if number is None else f"{number:g}"


def same_value(cell: str) -> float | str:
    """Return what a cell says: its number, 1 and 0 of `True` and `False`, else its text."""
    number = _TRUTH.get(cell.casefold(), number_of(cell))
    return cell if number is None else number


def are_equal(cell: str, other: str) -> bool:
    """Return whether two cells say the same: `1`, `1.0` and `True` do."""
    return cell == other or same_value(cell) == same_value(other)


def split_list(cell: str, mark: str) -> set[str]:
    """Return the findings that a cell lists; it may be a list as Python writes it."""
    is_list = cell.startswith("[") and cell.endswith("]")
    parts = (cell[1:-1] if is_list else cell).split(mark)
    return {part.strip(" '\"" if is_list else None) for part in parts} - {""}


def stands_for_missing(cell: str) -> bool:
    """Return whether a cell is a word by which programs mark what is not known."""
    text = "".join(re.split(r"[\s_]+", cell.casefold()))
    inside = _BRACKETS.fullmatch(text)
    return text in _MISSING or (inside is not None and inside[1] in _MISSING) or is_error(cell)


def says_nothing_found(cell: str) -> bool:
    """Return whether a cell says that nothing was found, such as `No finding` or `normal`."""
    return re.sub(r"[\W_]+", "", cell.casefold()) in _WORDS["nothing_found"]


def is_error(cell: str) -> bool:
    """Return whether a cell is the error of a spreadsheet's formula, such as `#REF!`."""
    return _ERROR.fullmatch(cell) is not None


def names_nobody(cell: str) -> bool:
    """Return whether a cell is no id of a patient: many rows would become one.

    `Anonymous^Patient` and `PATIENT` say of nobody who it is; `unknown-1` is one of several.
    """
    words = re.findall(r"\w+", cell.casefold().replace("_", " "))
    bare = "".join(word for word in words if not _PATIENT_WORD.fullmatch(word))
    anonymous = not bare or not {"".join(words), bare}.isdisjoint(_NOBODY | _MISSING)
    return anonymous or cell in _NO_IDS or stands_for_missing(cell)


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
