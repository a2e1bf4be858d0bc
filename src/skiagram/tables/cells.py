"""What a cell says: a number, nothing, or whose it is. Cells are text until somebody asks here.

Words that say it are declared in `words.yaml`.
"""

import math
import re
from collections.abc import Sequence
from contextlib import suppress

from skiagram.declared import read_words

_WORDS = read_words("skiagram.tables", "words.yaml")
_MISSING, _NOBODY, UNMEASURED = (_WORDS[kind] for kind in ("missing", "nobody", "unmeasured"))
_PATIENT_WORD = re.compile(r"(patient|subject|case|person|name|id)s?")
# A minus sign marks a missing id, while a feature may be -1 and a grade 9: those are asked about.
_NO_IDS = {"-1", "-9", "-99", "-999", "-9999"}
_TRUTH = {"true": 1.0, "false": 0.0}
_BRACKETS = re.compile(r"[\[(<](.*)[\])>]")  # the TCGA writes `[Not Available]`
# Of spreadsheets in several languages, such as #REF!, #BEZUG!, #¡VALOR!, #DIV/0!, #N/A, #NV, ####.
_ERROR = re.compile(r"(?i)#[¡¿]?[^\W\d_]+(/0)?[!?]|#n/[abdv]!?|#nv|#i/t|#{2,}")
BETWEEN = "; "  # several names, or states, in one cell
# Numbers by which data sets mark a missing value; questionnaires add 7 and 8 for two reasons.
MISSING_CODES = (
    9.0,
    *sorted(float(digit * length) for length in range(2, 9) for digit in "789"),
    *(999.9, 999.25, 32768.0, 2147483648.0, 1e20),  # of instruments, R and spreadsheets
)
_SMALL_CODES = (1, 7, 8, 9)  # that mark it below 0, or as one of several
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
    """Return the findings that a cell lists, each with single blanks; it may be a Python list."""
    is_list = cell.startswith("[") and cell.endswith("]")
    parts = (cell[1:-1] if is_list else cell).split(mark)
    return {" ".join(part.strip(" '\"" if is_list else None).split()) for part in parts} - {""}


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


def find_missing_codes(numbers: Sequence[float], *, counts: bool) -> tuple[float, ...]:
    """Return the numbers that look like marks of missing values, such as 99; none where none does.

    They lie apart from all others: below 0 where these are not, far below all of them, or above.
    Several beside one another, such as 888 and 999, would else hide each other.

    Args:
        numbers: Of a column, each once or several times.
        counts: Whether the numbers are grades or classes, of which each follows another one.
    """
    codes = MISSING_CODES if counts else MISSING_CODES[1:]
    if not numbers or {-min(numbers), max(numbers)}.isdisjoint((*_SMALL_CODES, *codes)):
        return ()
    distinct = sorted({*numbers})
    least_others = 1 + counts  # two classes may have any two numbers
    # Below 0, where all other numbers are not.
    below = [number for number in distinct if number < 0]
    others = distinct[len(below) :]
    small = all(-number in (*_SMALL_CODES, *codes) for number in below)
    if below and small and len(others) >= least_others:
        repeated = (others[0] > 0 or below[-1] <= -7) and numbers.count(below[-1]) > 1
        if counts or repeated or -below[0] in codes:
            return tuple(below)
    # Far below numbers of which some are negative themselves.
    rest = distinct[1:]
    is_far = -distinct[0] > _FAR * max(map(abs, rest), default=math.inf)
    if not counts and -distinct[0] in codes and is_far:
        return (distinct[0],)
    # Above all others: as many side by side as are.
    also, start = (*_SMALL_CODES[1:], *codes) if counts else codes, len(distinct)
    while start > least_others and distinct[start - 1] in also:
        start -= 1
    for first in range(start, len(distinct)):
        marks, next_below = distinct[first:], distinct[first - 1]
        # a scale of which one grade was not seen has no marks
        apart = next_below + min(len(marks), 2) if counts else _FAR * abs(next_below)
        if marks[-1] in codes and marks[0] > apart:
            return tuple(marks)
    return ()


def join_codes(codes: Sequence[float], between: str = " ") -> str:
    """Write numbers that mark missing values as they are typed, or with a word between two."""
    return between.join(f"{code:.12g}" for code in codes)


def describe_codes(numbers: Sequence[float], further: str = " --empty-label leave-out") -> str:
    """Return a sentence on numbers that look like marks of missing values; empty without one.

    Args:
        further: Options that rows without the value need.
    """
    codes = find_missing_codes(numbers, counts=False)
    if not codes:
        return ""
    return (
        f" {sum(map(numbers.count, codes))} rows have {join_codes(codes, ' or ')}, far from all "
        f"others: where it marks missing values, add `--missing {join_codes(codes)}{further}`."
    )
