"""Every role of a column, declared once in `roles.yaml` with what its cells have to be.

From there come the options of the commands and their help, the columns of a data set's config,
which column a table means, and what is refused of its cells, in the words of `refusals.yaml`.
"""

import fnmatch
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from skiagram.declared import read_declared
from skiagram.errors import DataError
from skiagram.tables.cells import names_nobody, number_of

if TYPE_CHECKING:
    from skiagram.tasks.cases import Split

COLUMNS, REGIONS = "columns of the CSV, by what they hold", "regions of interest"  # options
ALL = "all"  # frames of a file, or labels of a mask
PATIENT = "patient_id"  # column of patients in tables that are made here
NO_COLUMN = "none"  # as a line disowns a column with a usual name
MAX_VISITS = 999  # of a patient; longer numbers can be dates
WHOLE = re.compile(r"\d{1,9}(\.0+)?", re.ASCII)  # also as pandas writes it beside empty cells
_BEHIND = "[-_ ]?(?:set|data|images?|imgs?)"  # the word for a part of the data
DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
_DECLARED = read_declared("skiagram.datasets.folder", "roles.yaml")
# word in small letters → the part of the data that it names
SPLITS: "dict[str, Split]" = {
    word: part for part, words in _DECLARED["parts"].items() for word in words
}
PART_PATTERN = f"(?i:(?:{'|'.join(SPLITS)})(?:{_BEHIND})?)"


def part_of(word: str) -> "Split | None":
    """Return the part of the data that a word names; None where it names none."""
    return SPLITS.get(re.sub(f"{_BEHIND}$", "", word.casefold()))


def call_parts(names: Sequence[str]) -> list[list[str]]:
    """Return the folders of each name; folders of a level that parts alone tell apart, as these.

    `ISIC_2019_Training_Input` is `train` beside `ISIC_2019_Test_Input`.
    """
    folders = [re.split(r"[/\\]", name)[:-1] for name in names]
    called = []
    for level in zip_longest(*folders):
        words = {folder: {*re.split(r"[-_ \d]+", folder)} for folder in {*level} - {None}}
        shared = set[str].intersection(*words.values())
        parts = {folder: part_of(" ".join(own - shared)) for folder, own in words.items()}
        called.append(parts if all(parts.values()) and not any(map(part_of, words)) else {})
    return [
        [parts.get(folder) or folder for parts, folder in zip(called, each, strict=False)]
        for each in folders
    ]


class Check(NamedTuple):
    """What is wrong with a cell.

    Attributes:
        key: Of the refusal that says it.
        is_right: Of a cell; nothing for a wrong one.
        allowed: What its words call so, where it differs from table to table.
    """

    key: str
    is_right: Callable[[str], object]
    allowed: str = ""


class Role(NamedTuple):
    """What a column holds, or another option takes; a row of `roles.yaml` has the fields.

    Attributes:
        taken: What argparse takes of it besides.
    """

    words: str
    usual: Sequence[str] = ()
    checks: Sequence[Check] = ()
    group: str = COLUMNS
    of_cohort: bool = True
    of_images: bool = False
    taken: Mapping[str, Any] = {}


def _are_lesions(cell: str) -> bool:
    from skiagram.datasets.folder.lesions import parse_lesions

    try:
        parse_lesions(cell)
    except DataError:
        return False
    return True


_RIGHT: Mapping[str, Callable[[str], object]] = {  # what no pattern says
    "lesions": _are_lesions,
    "number": lambda cell: number_of(cell) is not None,
    "part": part_of,
    "somebody": lambda cell: not names_nobody(cell),
}


def _checks_of(rows: Mapping[str, str]) -> list[Check]:
    return [
        Check(key, _RIGHT.get(right, re.compile(right).fullmatch)) for key, right in rows.items()
    ]


ROLES: dict[str, Role] = {
    name: Role(**row | {"checks": _checks_of(row.get("checks", {}))})
    for name, row in _DECLARED["roles"].items()
}
SINGLE = tuple(name for name, role in ROLES.items() if role.usual)  # those of one column


@dataclass(frozen=True, kw_only=True)
class NamedColumns:
    """Which column of a table holds what, as somebody names it; each field is a role."""

    meaning_of: ClassVar[Mapping[str, str]] = {name: role.words for name, role in ROLES.items()}

    file: str | None = None
    label: str | None = None
    patient: str | None = None
    split: str | None = None
    site: str | None = None
    visit: str | None = None
    marks: str | None = None
    mask: str | None = None
    region: str | None = None
    label_value: str | None = None
    frame: str | None = None
    modality: str | None = None
    covariates: Sequence[str] = ()
    forced_covariates: Sequence[str] = ()
    scores: Sequence[str] = ()

    def of(self, role: str) -> Sequence[str]:
        """Return the columns of a role, of which most have one at most."""
        named: str | Sequence[str] | None = getattr(self, role)
        return [named] if isinstance(named, str) else named or ()


def option_of(role: str) -> str:
    """Return the option that names a role's column, without dashes before it."""
    return role.replace("forced", "force").replace("_", "-")


def column_of(header: Collection[str], named: NamedColumns, role: str) -> str | None:
    """Return the column of a role: as it is named, else as it is usually called; None for none."""
    given: str | None = getattr(named, role)
    if given == NO_COLUMN and given not in header:
        return None
    return given or usual_column(header, ROLES[role].usual)


def usual_column(header: Iterable[str], usual: Sequence[str]) -> str | None:
    """Return the column that has one of some usual names, however it is written; else None."""
    spelled = {_letters(name): name for name in reversed([*header])}
    return next((spelled[_letters(name)] for name in usual if _letters(name) in spelled), None)


def _letters(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold())


def list_columns(words: Iterable[str], header: Collection[str]) -> tuple[str, ...]:
    """Return the columns that some words name, separated by blanks or commas; `*` names several."""
    names: list[str] = []
    for word in words:
        for name in [word] if word in header else map(str.strip, word.split(",")):
            names += [name] if name in header else fnmatch.filter(header, name) or [name]
    return tuple(dict.fromkeys(name for name in names if name))
