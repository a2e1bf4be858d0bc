"""Whether a column of a table could tell who a patient is: by its name, and by what it holds.

A column is judged, no value of it is ever quoted. It is a guard against mistakes, not a proof: a
column that passes can still identify somebody together with others.
"""

import datetime
import re
import unicodedata
from collections.abc import Iterable, Sequence
from contextlib import suppress

from skiagram.declared import read_words
from skiagram.tables.cells import number_of

_MAX_WORDS = 20
_FEW_NUMBERS = 20
_MAX_DISTINCT = 0.9
_LONG_NUMBER = 1000
_MAX_TEXT = 60  # characters of a category
_MAX_SPACES = 8
_IN_WORDS = "its name stands for a person, a number or place of a person, a date or a note"

# kind → words of columns' names that say it
_KINDS = read_words("skiagram.datasets.folder", "column_words.yaml")
_NAMED = sorted(_KINDS["patient"] | _KINDS["case"])
_JOINED = re.compile(  # such as `patientid`
    rf"({'|'.join(_NAMED)})({'|'.join(sorted(_KINDS['numbered']))})"
)
_BARRED = str.maketrans("ıłđ", "ild")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_LETTERS = re.compile(r"[a-z]+")
_DATE = re.compile(
    r"(\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[-./]\d{1,2}[-./](\d{4}|\d{2})"
    r"|\d{1,2}\.?[ -]\w{3,9}\.?[ -]\d{4}|[^\W\d]{3,9}\.? \d{1,2},? \d{4})([ T]\d.*)?"
)
_PACKED_DATE = re.compile(r"(18[5-9]|19\d|20\d)\d{5}|2100\d{4}", re.ASCII)
_INVISIBLE = {"Cc", "Cf"}
_ZEROS = re.compile(r"(?<![\d.])0+(?=\d)|(?<=\d)\.0+$")
_SEPARATORS = re.compile(r"(?<=[^\W\d_])[-_ .]+(?=\d)|(?<=\d)[-_ .]+(?=[^\W\d_])")
_LEADING_ZERO = re.compile(r"[+-]?0\d+")


def names_patients(name: str, *, also_cases: bool = False) -> bool:
    """Return whether a column is called as patients' ids are; no `Patient Age`, no `pat.karno` is.

    Args:
        also_cases: Whether ids of cases, studies, or of nothing that is told, count too.
    """
    words = words_of(name)
    if words and (joined := _JOINED.fullmatch(words[-1])):
        words[-1:] = joined.groups()
    is_numbered = says(words[-1:], "numbered")
    while says(words[-1:], "numbered"):
        words.pop()
    if not words:
        return also_cases and is_numbered
    return says(words[-1:], "patient") or (also_cases and says(words[-1:], "case"))


def normalise_spelling(text: str) -> str:
    """Return an id without case, doubled blanks, invisible characters, leading zeros and `.0`.

    What separates a letter from a number is left out, and `_` elsewhere is `-`: `P-007` and `p_7`
    are one id, `1-12` and `11-2` two.
    """
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    plain = "".join(letter for letter in plain if unicodedata.category(letter) not in _INVISIBLE)
    plain = _SEPARATORS.sub("", " ".join(plain.split())).replace("_", "-")
    return _ZEROS.sub("", plain)


def suspect_column(name: str, cells: Sequence[str]) -> str | None:
    """Return why a column could tell who a patient is, in words without any value; None if not.

    Measured numbers and texts of at most 20 values that rows share pass. These do not: a name that
    stands for a person, a date or a note; dates; long texts; texts of which more than half of the
    rows have one of their own; whole numbers of four digits or more that have more than 20 values
    or differ in more than half of the rows; other whole numbers that nearly every row has for
    itself.
    """
    words = words_of(name)
    if says(words, "person"):
        return _IN_WORDS
    # what the cells hold
    filled = [cell for cell in cells if cell]
    if any(_DATE.fullmatch(cell) for cell in filled) or (
        filled and all(map(is_packed_date, filled))
    ):
        return "it holds dates"
    if any(len(cell) > _MAX_TEXT or cell.count(" ") > _MAX_SPACES for cell in filled):
        return "it holds free text"
    # numbers; one that starts with 0 and a digit is a sign of digits
    numbers = [number for number in map(number_of, filled) if number is not None]
    if len(numbers) == len(filled) and not any(map(_LEADING_ZERO.fullmatch, filled)):
        distinct, rows = len(set(numbers)), len(numbers)
        if not all(number.is_integer() for number in numbers):
            return None
        few = distinct <= _FEW_NUMBERS
        if max(map(abs, numbers), default=0) >= _LONG_NUMBER:
            harmless = few and distinct <= rows / 2
        else:
            harmless = few or distinct <= _MAX_DISTINCT * rows
        return None if harmless else f"it holds {distinct} different whole numbers in {rows} rows"
    if says(words, "person_of_texts"):
        return _IN_WORDS
    distinct = len(set(filled))
    if distinct > _MAX_WORDS or distinct > len(filled) / 2:
        return f"it holds {distinct} different texts in {len(filled)} rows"
    return None


def words_of(name: str) -> list[str]:
    """Return the words of a column's name, in small letters without accents."""
    plain = unicodedata.normalize("NFKD", _CAMEL.sub(" ", name))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return _LETTERS.findall(plain.casefold().translate(_BARRED))


def says(words: Iterable[str], kind: str) -> bool:
    """Return whether a word of a name is of a kind, or begins or ends as words of it do."""
    begins, ends = (tuple(_KINDS.get(f"{kind}_{part}", ())) for part in ("begins", "ends"))
    return any(
        word in _KINDS[kind] or word.startswith(begins) or word.endswith(ends) for word in words
    )


def is_packed_date(cell: str) -> bool:
    """Return whether a cell is a date of eight digits, as DICOM writes it."""
    if not _PACKED_DATE.fullmatch(cell):
        return False
    with suppress(ValueError):
        return bool(datetime.date.fromisoformat(cell))
    return False
