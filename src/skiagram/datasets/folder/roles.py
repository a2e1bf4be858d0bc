"""Every role of a column, declared once in `roles.yaml`; what is wrong with its cells stands here.

From both come the options of the commands and their help, the columns of a data set's config, which
column a table means, and what is refused of its cells, in the words of `refusals.yaml`.
"""

import re
import shlex
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from skiagram.declared import read_declared
from skiagram.errors import DataError, refusal, suggest
from skiagram.tables.cells import is_rounded_id, names_nobody, number_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from skiagram.tasks.cases import Split

COLUMNS, REGIONS = "columns of the CSV, by what they hold", "regions of interest"  # options
ALL = "all"  # frames of a file, or labels of a mask
PATIENT = "patient_id"  # column of patients in tables that are made here
NO_COLUMN = "none"  # as a line disowns a column with a usual name
MAX_VISITS = 999  # of a patient; longer numbers can be dates
WHOLE = re.compile(r"\d{1,9}(\.0+)?", re.ASCII)  # also as pandas writes it beside empty cells
DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
_WORDS: "dict[str, Split]" = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "val", "valid"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
# `train`, `train_set`, `TrainSet`; the last two are nnU-Net's folders
SPLITS: "dict[str, Split]" = {
    **{word + end: part for word, part in _WORDS.items() for end in ("", "set", "_set", "-set")},
    **{"imagestr": "train", "imagests": "test"},
}


def part_of(word: str) -> "Split | None":
    """Return the part of the data that a word names; None where it names none."""
    return SPLITS.get(word.casefold())


class Check(NamedTuple):
    """What is wrong with a cell.

    Attributes:
        key: Of the refusal that says it.
        is_wrong: Of a cell.
        allowed: What its words call so, where it differs from table to table.
        words: Those allowed, of which a message asks for the one that is like the cell.
    """

    key: str
    is_wrong: Callable[[str], bool]
    allowed: str = ""
    words: Sequence[str] = ()

    def wrong_in(self, cells: "pd.Series[str]") -> "NDArray[np.bool_]":
        """Return (n,) which cells are wrong; each content is looked at once."""
        verdict = {cell: self.is_wrong(cell) for cell in cells.unique()}
        return cells.map(verdict).to_numpy(dtype=bool)

    def problem(self, cell: str, column: str, where: str) -> DataError:
        """Return what is said of a wrong cell."""
        meant = suggest(cell, self.words)
        quoted = shlex.quote(cell)
        return refusal(
            self.key,
            where,
            cell=cell,
            column=column,
            quoted=quoted,
            allowed=self.allowed,
            meant=meant,
        )


def is_empty(cell: str) -> bool:
    """Return whether a cell holds nothing."""
    return not cell


def _is_no_lesion(cell: str) -> bool:
    from skiagram.datasets.folder.lesions import is_unreadable

    return is_unreadable(cell)


def _is_no_number(cell: str) -> bool:
    """Return whether a cell is neither empty, nor a whole number, nor `all`."""
    return cell not in ("", ALL) and not WHOLE.fullmatch(cell)


FILE_CHECKS = (
    Check("datasets.no_file", is_empty),
    Check("datasets.null_in_name", lambda cell: "\0" in cell),
    Check("datasets.backslash_in_name", lambda cell: "\\" in cell),
    Check("datasets.file_outside", lambda cell: cell.startswith("/") or ".." in cell.split("/")),
)
# role → checks of its cells, of which the first that fails is told
_CHECKS: Mapping[str, tuple[Check, ...]] = {
    "patient": (
        Check("datasets.no_patient", is_empty),
        Check("datasets.patient_of_nobody", names_nobody),
        Check("datasets.rounded_patient", is_rounded_id),
    ),
    "split": (
        Check("datasets.no_split", is_empty),
        Check(
            "datasets.other_split",
            lambda cell: part_of(cell) is None,
            words=("train", "validation", "test"),
        ),
    ),
    "site": (Check("datasets.no_site", is_empty),),
    "visit": (
        Check(
            "datasets.no_number_of_visit",
            lambda cell: not WHOLE.fullmatch(cell) or not 1 <= float(cell) <= MAX_VISITS,
        ),
    ),
    "marks": (Check("datasets.unreadable_lesion", _is_no_lesion),),
    "mask": (Check("datasets.no_mask", is_empty),),
    "label_value": (Check("datasets.label_value", _is_no_number),),
    "frame": (
        Check(
            "datasets.frame",
            lambda cell: _is_no_number(cell) or (cell not in ("", ALL) and not float(cell)),
        ),
    ),
    "scores": (
        Check("datasets.no_score", is_empty),
        Check("datasets.score_with_comma", lambda cell: bool(DECIMAL_COMMA.fullmatch(cell))),
        Check("datasets.score", lambda cell: number_of(cell) is None),
    ),
}


class Role(NamedTuple):
    """What a column holds; a row of `roles.yaml` says what the fields are."""

    words: str
    usual: Sequence[str] = ()
    checks: Sequence[Check] = ()
    group: str = COLUMNS
    of_cohort: bool = True
    of_images: bool = False


ROLES: dict[str, Role] = {
    name: Role(**row, checks=_CHECKS.get(name, ()))
    for name, row in read_declared("skiagram.datasets.folder", "roles.yaml").items()
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
    """Return the columns that some words name, separated by blanks or commas."""
    names: list[str] = []
    for word in words:
        names += [word] if word in header else [name.strip() for name in word.split(",")]
    return tuple(dict.fromkeys(name for name in names if name))
