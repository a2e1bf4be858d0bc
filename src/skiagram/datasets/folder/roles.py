"""Every role of a column, declared once: its usual names, the words of its option, its checks.

From here come the options of the commands and their help, the columns of a data set's config, which
column a table means, and what is wrong with its cells.
"""

import re
import shlex
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, NamedTuple

from skiagram.errors import DataError, nearest
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
POINT = (
    "replace the commas; in Excel, set the decimal separator to `.` in File, Options, Advanced, "
    "and save the table again"
)
FILL = "fill in the cell, or remove the row"
_FINITE = "a finite number for every case"


def part_of(word: str) -> "Split | None":
    """Return the part of the data that a word names; None where it names none."""
    return SPLITS.get(word.casefold())


class Check(NamedTuple):
    """What is wrong with a cell, and how it is said.

    Attributes:
        key: By which it is known.
        is_wrong: Of a cell.
        found: `{cell}` stands for its content, `{column}` for the column.
        remedy: `{near}` stands for the word of those allowed that is like it; without one nothing
            is said.
    """

    key: str
    is_wrong: Callable[[str], bool]
    found: str
    allowed: str = ""
    remedy: str = ""

    def wrong_in(self, cells: "pd.Series[str]") -> "NDArray[np.bool_]":
        """Return (n,) which cells are wrong; each content is looked at once."""
        verdict = {cell: self.is_wrong(cell) for cell in cells.unique()}
        return cells.map(verdict).to_numpy(dtype=bool)

    def problem(self, cell: str, column: str, where: str) -> DataError:
        found = self.found.replace("{cell}", cell).replace("{column}", column)
        remedy = self.remedy
        if "{near}" in remedy:
            near = nearest(cell, self.allowed.split(", "))
            remedy = remedy.replace("{near}", near[0]) if near else ""
        remedy = remedy.replace("{cell}", shlex.quote(cell))
        return DataError(found, where=where, allowed=self.allowed, remedy=remedy)


def _empty(key: str, remedy: str = FILL) -> Check:
    kind = key.removeprefix("no ")
    return Check(key, lambda cell: not cell, f"an empty {kind}, column `{{column}}`", "", remedy)


def _is_no_lesion(cell: str) -> bool:
    from skiagram.datasets.folder.lesions import is_unreadable

    return is_unreadable(cell)


ALLOWED_MARKS = (  # in a cell
    "`x y radius` or `x y z radius`, radius > 0, `mm` behind numbers in the patient's coordinates; "
    "lesions separated by semicolons, each once"
)
_CORRECT_FILE = "correct the file name, or remove the row"
FILE_CHECKS = (
    Check("no file", lambda cell: not cell, "no file name", remedy=_CORRECT_FILE),
    Check("NUL", lambda cell: "\0" in cell, "a file name with a NUL character", "", _CORRECT_FILE),
    Check("backslash", lambda cell: "\\" in cell, "`{cell}` holds a backslash", "`/` for folders"),
    Check(
        "outside",
        lambda cell: cell.startswith("/") or ".." in cell.split("/"),
        "`{cell}` lies outside the folder",
        "names relative to the folder",
        _CORRECT_FILE,
    ),
)
PATIENT_CHECKS = (
    Check(
        "no patient",
        lambda cell: not cell,
        "an empty patient, column `{column}`",
        "ids of patients",
        "give each patient who is not known an id of its own, such as `unknown-1`, or leave the "
        "column out",
    ),
    Check(
        "nobody",
        names_nobody,
        "patient `{cell}`",
        "ids of patients",
        "give each patient who is not known an id of its own, such as `unknown-1`, or leave the "
        "column out",
    ),
    Check(
        "rounded",
        is_rounded_id,
        "patient `{cell}`, a number that a spreadsheet has rounded",
        "ids with all their digits",
        "let the spreadsheet take this column as text, and save the table again",
    ),
)
_CHOICE = "correct the cell"


class Role(NamedTuple):
    """What a column holds.

    Attributes:
        words: Of the config and of the option's help.
        usual: Names by which a column is known, however they are written.
        checks: Of its cells, the first that fails is told.
        group: Of its option, as the help calls it.
        of_cohort: Whether it has a say where finished models score a table.
        of_images: Whether tables of images alone have it, and none of features.
    """

    words: str
    usual: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    group: str = COLUMNS
    of_cohort: bool = True
    of_images: bool = False


def _column(words: str, usual: Sequence[str] = (), *checks: Check, **further: Any) -> Any:
    role = Role(words, tuple(usual), checks, **further)
    return field(default=None, metadata={"option": role, "meaning": words})


def _columns(words: str, *checks: Check, **further: Any) -> Any:
    role = Role(words, (), checks, **further)
    return field(default=(), metadata={"option": role, "meaning": words})


@dataclass(frozen=True, kw_only=True)
class NamedColumns:
    """Which column of a table holds what, as somebody names it; each field is a role."""

    file: str | None = _column(
        "name of the file, relative to the folder",
        ("file", "filename", "image", "image_id", "path", "image_path"),
        of_images=True,
    )
    label: str | None = _column(
        "class; of several, separated by commas, each is a class with cells of 0 and 1",
        ("label",),
    )
    patient: str | None = _column(
        "patient, or what else groups images of one person",
        ("patient", PATIENT, "subject_id", "subject", "case_id"),
        *PATIENT_CHECKS,
    )
    split: str | None = _column(
        "train, validation or test",
        ("split",),
        _empty("no split"),
        Check(
            "split",
            lambda cell: part_of(cell) is None,
            "split `{cell}`",
            "train, validation, test",
            "did you mean `{near}`?",
        ),
        of_cohort=False,
    )
    site: str | None = _column("where the image was taken", ("site",), _empty("no site"))
    visit: str | None = _column(
        "number or date of the patient's visit, of which only the order is kept",
        ("visit",),
        Check(
            "visit",
            lambda cell: not WHOLE.fullmatch(cell) or not 1 <= float(cell) <= MAX_VISITS,
            "no number of a visit, column `{column}`",  # a date is not quoted
            f"whole numbers from 1 to {MAX_VISITS}, in the order of a patient's visits",
            "let `skiagram init` write the manifest: it turns dates into numbers",
        ),
        of_images=True,
    )
    marks: str | None = _column(
        "places of lesions, `x y radius` in pixels, separated by semicolons",
        ("marks",),
        Check("marks", _is_no_lesion, "lesions `{cell}`", ALLOWED_MARKS, _CHOICE),
        of_cohort=False,
        of_images=True,
    )
    mask: str | None = _column(
        "file with the mask of the region, or several that are united, separated by semicolons",
        ("mask",),
        Check("no mask", lambda cell: not cell, "an image without a mask", remedy=FILL),
        group=REGIONS,
        of_images=True,
    )
    region: str | None = _column(
        "name of the region in its file; of a table of features COLUMN=NAME,… whose rows are read",
        ("region",),
        group=REGIONS,
        of_images=True,
    )
    label_value: str | None = _column(
        "value of the region's voxels, where a mask holds several labels, or `all`",
        ("label_value",),
        Check(
            "label value",
            lambda cell: cell not in ("", ALL) and not WHOLE.fullmatch(cell),
            "`{cell}`, column `{column}`",
            f"a whole number, `{ALL}`, or an empty cell",
            _CHOICE,
        ),
        group=REGIONS,
        of_images=True,
    )
    frame: str | None = _column(
        "frame of a DICOM file, or page of a TIFF, from 1; `all` for a volume of them",
        ("frame",),
        Check(
            "frame",
            lambda cell: cell not in ("", ALL) and not (WHOLE.fullmatch(cell) and float(cell)),
            "`{cell}`, column `{column}`",
            f"a number from 1, `{ALL}`, or an empty cell",
            _CHOICE,
        ),
        group=REGIONS,
        of_images=True,
    )
    modality: str | None = _column(
        "kind of image, where a case has several, for example PET and MR",
        ("modality",),
        group=REGIONS,
        of_images=True,
    )
    covariates: Sequence[str] = _columns("columns to keep, for example `age,density`")
    forced_covariates: Sequence[str] = _columns(
        "columns to keep although they look like identifiers"
    )
    scores: Sequence[str] = _columns(
        "scores of readers or devices (higher = rather the positive class)",
        Check("no score", lambda cell: not cell, "no score, column `{column}`", _FINITE, _CHOICE),
        Check(
            "decimal comma",
            lambda cell: DECIMAL_COMMA.fullmatch(cell) is not None,
            "score `{cell}`, column `{column}`",
            _FINITE,
            POINT,
        ),
        Check(
            "score",
            lambda cell: number_of(cell) is None,
            "score `{cell}`, column `{column}`",
            _FINITE,
            _CHOICE,
        ),
        of_cohort=False,
    )


ROLES: dict[str, Role] = {each.name: each.metadata["option"] for each in fields(NamedColumns)}
SINGLE = tuple(name for name, role in ROLES.items() if role.usual)  # those of one column


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
