"""What the table that lists a folder's images says: its columns, and the entries its rows give.

Rows that cannot be used are named with what is wrong with them. A column goes on
only if it is named; one that could tell who a patient is only if that is forced.
"""

import math
import os
import re
import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import NamedTuple

import numpy as np
from pydantic.dataclasses import dataclass as options

from skiagram.datasets.contract import Entry, Visit
from skiagram.datasets.folder.csv_rows import (
    BETWEEN,
    WHERE,
    CsvRow,
    parse_number,
    require_columns,
)
from skiagram.datasets.folder.identifiers import suspect_column
from skiagram.datasets.folder.lesions import ALLOWED, is_unreadable
from skiagram.datasets.folder.patients import MAX_VISITS, find_patient_problem
from skiagram.errors import DataError, OptionError, listed, nearest
from skiagram.readers.case_images import ImageReference, find_regions_alone
from skiagram.strict import (
    STRICT,
)
from skiagram.tasks.cases import SEALED, Split
from skiagram.tasks.columns import describe_code, stands_for_missing

_ALL = "all"  # frames of a file, or labels of a mask
_WHOLE = re.compile(r"\d{1,9}(\.0+)?", re.ASCII)  # also as pandas writes it beside empty cells
UNMEASURED = {  # as programs write what is no finite number
    *("nan", "-nan", "inf", "+inf", "-inf", "infinity", "+infinity", "-infinity"),
    *("1.#inf", "-1.#inf", "1.#qnan", "-1.#ind"),
}
_LARGEST = float(np.finfo(np.float32).max)
_POINTED = re.compile(r"[+-]?[1-9]\d{0,2}(\.\d{3})+")  # 1.234 may be either number
_SHORT_WHOLE = re.compile(r"[+-]?\d{1,3}")
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
_POINT = (
    "replace the commas; in Excel, set the decimal separator to `.` in File, Options, Advanced, "
    "and save the table again"
)
_WORDS: dict[str, Split] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "val", "valid"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
SPLITS: dict[str, Split] = {  # `train`, `train_set`, `TrainSet`; the last two are nnU-Net's folders
    **{word + end: part for word, part in _WORDS.items() for end in ("", "set", "_set", "-set")},
    **{"imagestr": "train", "imagests": "test"},
}
SPLIT_NAMES = "train, validation, test"  # of which others are spellings


class _Rule(NamedTuple):
    """What is wrong with a cell, and how it is said; `{cell}` stands for its content."""

    column: str | None
    is_wrong: Callable[[str], bool]
    found: str
    allowed: str = ""
    remedy: str = ""

    def problem(self, row: CsvRow, where: str) -> DataError | None:
        if self.column is None or not self.is_wrong(row.cells[self.column]):
            return None
        fault = self.found.replace("{cell}", row.cells[self.column])
        return DataError(fault, where=where, allowed=self.allowed, remedy=self.remedy)


def find_file_problems(
    rows: list[CsvRow], column: str, region_columns: tuple[str, ...] = ()
) -> list[DataError]:
    """Return what is wrong with a column of file names, in row order."""
    problems: list[DataError] = []
    lines: dict[tuple[str, ...], list[int]] = {}
    correct = "correct the file name, or remove the row"
    inside = "names relative to the folder"
    rules = [
        _Rule(column, lambda cell: not cell, "no file name", remedy=correct),
        _Rule(column, lambda cell: "\0" in cell, "a file name with a NUL character", "", correct),
        _Rule(column, lambda cell: "\\" in cell, "`{cell}` holds a backslash", "`/` for folders"),
        _Rule(
            column,
            lambda cell: os.path.isabs(cell) or ".." in cell.split("/"),  # noqa: PTH117 - Path is slow
            "`{cell}` lies outside the folder",
            inside,
            correct,
        ),
    ]
    for row in rows:
        wrong = _first_problem(rules, row, row.where)
        if wrong is not None:
            problems.append(wrong)
            continue
        apart = tuple(row.cells[other] for other in region_columns)
        lines.setdefault((normalise_name(row.cells[column]), *apart), []).append(row.line)
    problems += [
        DataError(
            f"{len(line_numbers)} rows, in lines {', '.join(map(str, line_numbers))} of the CSV",
            where=key[0],
            allowed="one row per region" if region_columns else "one row per file",
            remedy="keep the row with the right label",
        )
        for key, line_numbers in lines.items()
        if len(line_numbers) > 1
    ]
    return problems


def find_mask_problems(
    rows: list[CsvRow], column: str, region_columns: tuple[str, ...] = ()
) -> list[DataError]:
    """Return what is wrong with a column of masks, each of an image's masks looked at."""
    single = [
        replace(row, cells=row.cells | {column: name})
        for row in rows
        for name in row.cells[column].split(";")
    ]
    return find_file_problems(single, column, region_columns)


def _first_problem(rules: Iterable[_Rule], row: CsvRow, where: str) -> DataError | None:
    return next(filter(None, (rule.problem(row, where) for rule in rules)), None)


def normalise_name(name: str) -> str:
    """Return the one spelling of a relative file name: `./a//b.png` is `a/b.png`."""
    if not name or name.startswith("/"):
        return PurePosixPath(name).as_posix() if name else ""
    return "/".join(part for part in name.split("/") if part not in {"", "."}) or "."


def split_masks(cell: str) -> tuple[str, ...]:
    """Return the files of a cell of masks; those of one image are separated by semicolons."""
    return tuple(normalise_name(name.strip()) for name in cell.split(";") if name.strip())


def join_masks(names: Iterable[str]) -> str:
    """Return the cell that names the masks of one image, or what is said of each."""
    return BETWEEN.join(names)


@options(**STRICT)
class Columns:
    """Which column of the table holds what.

    Attributes:
        file: File name, relative to the folder; null where a row has features in place of a file.
        label: Class.
        patient: Patient, or what else groups images of one person; null where unknown.
        split: `train`, `validation` or `test`; null where no split is published.
        site: Where the image was taken; null where unknown.
        covariates: What else goes on; nothing that identifies a person.
        forced_covariates: Those of the covariates that go on although they look as if they did.
        scores: Numbers of readers or devices for every case, higher = rather the positive class.
        mask: File of the region of interest, relative to the folder, or several that are united,
            separated by semicolons; null for whole images.
        modality: Kind of image, where a case has several, for example PET and MR.
        region: Name of the region in a mask's file that holds several.
        label_value: Value of the region's voxels, where a mask holds several labels; or `all`.
        frame: Frame of a DICOM file, or page of a TIFF, from 1; or `all` for a volume of them.
        visit: Place among the patient's visits, a whole number; null where nobody knows.
        marks: Places of the image's lesions, `x y radius; …` in pixels; null where nobody knows.
        value: Value of the outcome, such as a time; null where classes are told apart.
        features: Numbers that stand in place of an image.
    """

    file: str | None
    label: str
    patient: str | None
    split: str | None
    site: str | None
    covariates: tuple[str, ...]
    scores: tuple[str, ...]
    forced_covariates: tuple[str, ...] = ()
    mask: str | None = None
    modality: str | None = None
    region: str | None = None
    label_value: str | None = None
    frame: str | None = None
    visit: str | None = None
    marks: str | None = None
    value: str | None = None
    features: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        taken = {self.file, self.label, self.patient, self.split, self.marks, self.value}
        taken.add("case_id")
        others = "columns that neither identify a person nor tell label or split"
        either = "either: models learn from covariates, and are compared with scores"
        rules = (
            ("visit", {self.visit} - {None} if self.patient is None else (), "visits of patients"),
            ("covariates", taken.intersection(self.covariates), others),
            ("scores", taken.intersection(self.scores), others),
            ("scores", set(self.scores).intersection(self.covariates), either),
            (
                "forced_covariates",
                set(self.forced_covariates).difference(self.covariates),
                "names that `columns.covariates` lists too",
            ),
        )
        for option, wrong, allowed in rules:
            for name in sorted(map(str, wrong)):
                where = f"dataset.columns.{option}"
                raise OptionError(f"`{name}` was given", where=where, allowed=allowed)

    @property
    def image_file(self) -> str:
        """Column of file names, in a table of images.

        Raises:
            OptionError: The table has features in place of files.
        """
        if self.file is None:
            allowed = "the column of file names, in a data set of images"
            raise OptionError("is null", where="dataset.columns.file", allowed=allowed)
        return self.file

    def used(self) -> tuple[str, ...]:
        """Return every column that is read, the file's first."""
        named = (self.file, self.patient, self.label, self.split, self.site)
        region_columns = (self.mask, self.modality, self.region, self.label_value, self.frame)
        image_columns = (self.visit, self.marks, self.value)
        numbers = (*self.covariates, *self.scores, *self.features)
        every = (*named, *region_columns, *image_columns, *numbers)
        return tuple(dict.fromkeys(name for name in every if name is not None))


def find_covariate_problems(rows: list[CsvRow], columns: Columns) -> list[DataError]:
    """Return which covariates could tell who a patient is, and are not forced, without a cell."""
    problems = []
    for name in columns.covariates:
        where, cells = f"{WHERE}, column `{name}`", [row.cells[name] for row in rows]
        problem = None if name == columns.site else find_number_problem(rows, name)
        if problem is not None:
            problems.append(problem)
        elif name not in columns.forced_covariates and (why := suspect_column(name, cells)):
            problems.append(
                DataError(
                    f"as a covariate it could tell who a patient is: {why}",
                    where=where,
                    allowed="measurements, and texts of few words that many rows share",
                    remedy="leave it out of the covariates; if it identifies nobody, add "
                    f"`--force-covariates {shlex.quote(name)}` (`columns.forced_covariates`)",
                )
            )
    return problems


def describe_covariates(rows: Sequence[CsvRow], names: Iterable[str]) -> list[str]:
    """Return a sentence on each covariate that is the same in all rows, or may mark missing values.

    Args:
        names: Columns that the table has.
    """
    notes = []
    for name in names:
        cells = [row.cells[name] for row in rows if row.cells[name]]
        if len(rows) > 1 and len(cells) == len(rows) and len({*cells}) == 1:
            notes.append(f"Covariate `{name}`: every row has `{cells[0]}`, so it tells nothing.")
        elif all(map(is_number, cells)):
            code = describe_code([parse_number(cell) for cell in cells], further="")
            notes += [f"Covariate `{name}`:{code}"] if code else []
    return notes


def find_number_problem(rows: list[CsvRow], column: str) -> DataError | None:
    """Return why a column is neither numbers alone nor texts alone, or is two kinds of numbers.

    None where it is one of them.
    """
    where, filled_rows = f"{WHERE}, column `{column}`", [row for row in rows if row.cells[column]]
    if any(_has_decimal_comma(row.cells[column]) for row in filled_rows):
        comma, point = "numbers with a decimal comma", "a decimal point"
        return DataError(comma, where=where, allowed=point, remedy=_POINT)
    if (problem := find_thousands_problem(rows, column)) is not None:
        return problem
    texts = [row for row in filled_rows if not is_number(row.cells[column])]
    if len(texts) in (0, len(filled_rows)):
        return None
    word = next(filter(stands_for_missing, (row.cells[column] for row in texts)), None)
    return DataError(
        f"{len(filled_rows) - len(texts)} numbers and {len(texts)} texts, "
        + (f"such as `{word}`" if word else f"the first in line {texts[0].line}"),
        where=where,
        allowed="numbers alone, or texts alone",
        remedy="empty the cell where nothing is known, or add "
        f"`--missing {shlex.quote(word or 'WORD')}` (of a feature table `missing` in its config"
        "); write categories as texts, such as `grade 1`",
    )


def find_thousands_problem(rows: list[CsvRow], column: str) -> DataError | None:
    """Return why points of a column may separate thousands; None where they are decimal ones.

    They may where each is before three digits, and a whole number of hundreds has none, or a cell
    has two, as where 987 and 1.122 are two times in days.
    """
    pointed, wholes = dict[str, None](), dict[str, None]()
    for row in rows:
        cell = row.cells[column]
        if _POINTED.fullmatch(cell):
            pointed[cell] = None
        elif _SHORT_WHOLE.fullmatch(cell):
            wholes[cell] = None
        elif cell and not stands_for_missing(cell):
            return None
    hundreds = [cell for cell in wholes if abs(int(cell)) >= 100]
    twice = [cell for cell in pointed if cell.count(".") > 1]
    if not pointed or not (hundreds or twice):
        return None
    examples = dict.fromkeys([*hundreds[:1], *twice[:1], *pointed][:3])
    return DataError(
        f"points that may separate thousands: {listed(examples, '`')}",
        where=f"{WHERE}, column `{column}`",
        allowed="numbers such as 1122 or 1.1220, which have one reading",
        remedy="write the numbers without separators of thousands; where the points are decimal "
        "ones, write all numbers with as many decimals",
    )


@dataclass(frozen=True)
class Listing:
    """What a table says: an entry a usable row, in row order, what is read for each, lesions."""

    entries: list[Entry]
    problems: list[DataError]
    references: list[ImageReference]
    lesions: list[str] = field(default_factory=list)


def list_entries(
    rows: list[CsvRow],
    columns: Columns,
    classes: Sequence[str],
    test_sites: Sequence[str],
    *,
    sealed: bool = False,
) -> Listing:
    """Return the entries of a table and all that is wrong with it.

    Args:
        test_sites: Sites whose images are the test set; the rest is for training.
        sealed: Whether the labels of test cases are encrypted; their cells are empty then.
    """
    problems = _find_column_problems(rows, columns, test_sites)
    # each row: its entry, or what is wrong with it
    rules = [_rules_of_rows(columns, classes, hidden=hidden) for hidden in (False, True)]
    # the site goes on where it says what the test set is; numbers that name sites are texts
    site = (columns.site,) if test_sites and columns.site else ()
    covariates = tuple(dict.fromkeys((*columns.covariates, *site)))
    numeric = {
        name
        for name in covariates
        if name != columns.site
        and all(is_number(row.cells[name]) for row in rows if row.cells[name])
    }
    entries: dict[str, Entry] = {}
    references: dict[str, ImageReference] = {}
    lesions: dict[str, str] = {}
    for row in rows:
        split = split_of(row, columns, test_sites)
        hidden = sealed and split == "test"
        try:
            measured = _check_row(row, columns, rules[hidden])
        except DataError as problem:
            problems.append(problem)
            continue
        name, cells = row.where, row.cells
        if columns.file is not None:
            reference = refer(row, columns)
            name = reference.name
            references.setdefault(name, reference)
        entry = Entry(
            name=name,
            patient=cells[columns.patient] if columns.patient else None,
            label=SEALED if hidden else classes.index(cells[columns.label]),
            split=split,
            covariates={
                each: row.number(each) if each in numeric else cells[each] or None
                for each in covariates
            },
            scores={each: float(cells[each]) for each in columns.scores},
            measured=measured,
            visit=Visit(int(float(cells[columns.visit])), cells.get(columns.region or "", ""))
            if columns.visit
            else None,
            value=None if columns.value is None else parse_value(cells[columns.value]),
        )
        entries.setdefault(name, entry)
        lesions.setdefault(name, cells[columns.marks] if columns.marks else "")
    read = (find_regions_alone(references.values()), list(lesions.values()))
    return Listing(list(entries.values()), problems, *read)


def _find_column_problems(
    rows: list[CsvRow], columns: Columns, test_sites: Sequence[str]
) -> list[DataError]:
    """Return what is wrong with the covariates, the files and the masks of a table.

    Raises:
        OptionError: The test sites are none of the table, or beside another split.
        DataError: A column is not there.
    """
    require_columns(rows, columns.used())
    # test sites are those of a column, where no other one tells the split
    where = "dataset.test_sites"
    if test_sites and (columns.site is None or columns.split is not None):
        allowed = "test sites where `columns.site` names a column and `columns.split` is null"
        raise OptionError(f"{list(test_sites)} was given", where=where, allowed=allowed)
    sites = sorted({row.cells[columns.site] for row in rows}) if columns.site else []
    if unknown := sorted(set(test_sites) - set(sites)):
        near = nearest(unknown[0], sites)
        remedy = f"did you mean `{near[0]}`?" if near else "name sites of the table"
        fault = f"no image of site `{unknown[0]}`"
        raise OptionError(fault, where=where, allowed=listed(sites), remedy=remedy)
    # files and masks: each once, or each once with a frame, or with a region that a mask shows
    region_columns = () if columns.mask is None else (columns.region, columns.label_value)
    apart = tuple(name for name in (*region_columns, columns.frame) if name is not None)
    problems = find_covariate_problems(rows, columns)
    problems += filter(None, (find_thousands_problem(rows, name) for name in columns.scores))
    if columns.file is not None:
        problems += find_file_problems(rows, columns.file, apart)
    if columns.mask is not None:
        drawn = [row for row in rows if row.cells[columns.mask]]  # the others are named below
        problems += find_mask_problems(drawn, columns.mask, (columns.image_file, *apart))
    return problems


def _check_row(row: CsvRow, columns: Columns, rules: Iterable[_Rule]) -> dict[str, float | None]:
    """Return the features of a row; refuse one that cannot be used."""
    where = (row.cells[columns.file] if columns.file else "") or row.where
    problem = _first_problem(rules, row, where)
    if problem is None and columns.patient is not None:
        problem = find_patient_problem(row.cells[columns.patient], where)
    if problem is not None:
        raise problem
    measured = read_measured(row, columns.features)
    if columns.features and all(value is None for value in measured.values()):
        raise DataError(
            "no feature has a value",
            where=row.where,
            allowed="a number in at least one column",
            remedy="remove the row, and say so where you report the result",
        )
    return measured


def read_measured(row: CsvRow, features: Sequence[str]) -> dict[str, float | None]:
    """Return the features of a row; None where one is missing.

    Raises:
        DataError: A cell is no number, or one that 32 bits do not hold.
    """
    measured: dict[str, float | None] = {}
    for name in features:
        cell, value = row.cells[name], row.number(name)
        missing = cell == "" or cell.casefold() in UNMEASURED
        if not missing and (value is None or abs(value) > _LARGEST):
            raise DataError(
                f"`{cell}` in the column `{name}`",
                where=row.where,
                allowed="a number that 32 bits can hold, or nothing",
                remedy="correct it, or leave the column out of `features`",
            )
        measured[name] = value
    return measured


def refer(row: CsvRow, columns: Columns) -> ImageReference:
    """Return what is read for a row; a number that is none is left out, as `all` is of masks."""
    return ImageReference(
        file=normalise_name(row.cells[columns.image_file]),
        masks=split_masks(row.cells[columns.mask]) if columns.mask else (),
        region=(row.cells[columns.region] or None) if columns.region else None,
        label_value=_number_in(row, columns.label_value),
        frame=_number_in(row, columns.frame),
    )


def _number_in(row: CsvRow, column: str | None) -> int | None:
    """Return the number in a cell, 0 for `all`; None where there is none."""
    cell = row.cells[column].replace(_ALL, "0") if column else ""
    return int(float(cell)) if _WHOLE.fullmatch(cell) else None


def find_image_problem(row: CsvRow, columns: Columns) -> DataError | None:
    """Return what is wrong with where the image of a row is read from, whatever its label."""
    problems = find_file_problems([row], columns.image_file)
    if columns.mask is not None and row.cells[columns.mask]:
        problems += find_mask_problems([row], columns.mask)
    return problems[0] if problems else _first_problem(_rules_of_image(columns), row, row.where)


def split_modalities(
    rows: list[CsvRow], columns: Columns, modalities: Sequence[str]
) -> dict[str, list[CsvRow]]:
    """Return modality → its rows, those of one case at the same place in each.

    A case is told by its patient and, where there are some, its region and its visit.

    Args:
        modalities: Which to read, in this order; empty where the table holds one or does not tell.
    """
    where = "dataset.modalities"
    if columns.modality is None:
        if modalities:
            allowed = "modalities where `columns.modality` names a column"
            raise OptionError(f"`{modalities[0]}` was given", where=where, allowed=allowed)
        return {"": rows}
    table_modalities = sorted({row.cells[columns.modality] for row in rows})
    chosen = list(modalities) or (table_modalities if len(table_modalities) == 1 else [])
    unknown = [name for name in chosen if name not in table_modalities]
    if unknown or not chosen:
        fault = f"no image of `{unknown[0]}`" if unknown else f"{len(table_modalities)} modalities"
        remedy = "choose one or several (`skiagram init … --images`)"
        raise OptionError(fault, where=where, allowed=listed(table_modalities), remedy=remedy)
    # modality → what tells a case: patient, region and visit → its row; of one modality all rows
    case_columns = (columns.patient, columns.region, columns.visit)
    key_columns = [name for name in case_columns if name is not None]
    by_case: dict[str, dict[tuple[str, ...], CsvRow]] = {name: {} for name in chosen}
    for name in chosen:
        for row in rows:
            if row.cells[columns.modality] != name:
                continue
            key = tuple(row.cells[column] for column in key_columns)
            if len(chosen) == 1:
                key = (str(row.line),)
            if by_case[name].setdefault(key, row) is not row:
                raise DataError(
                    f"a second image of `{name}` for the same patient, region and visit",
                    where=row.where,
                    allowed="one row per patient, region, visit and modality",
                    remedy="name lesions in the column `region`, and patients in theirs",
                )
    _check_modalities(by_case, columns)
    return {name: [by_case[name][key] for key in by_case[chosen[0]]] for name in chosen}


def _check_modalities(by_case: dict[str, dict[tuple[str, ...], CsvRow]], columns: Columns) -> None:
    """Refuse cases that lack a modality, or of which a further one says what the first does not."""
    first, *others = by_case
    for name in others:
        for key, row in by_case[first].items():
            if key not in by_case[name]:
                raise DataError(
                    f"a case without an image of `{name}`",
                    where=row.where,
                    allowed=f"an image of each of {', '.join(by_case)} for every case",
                    remedy="add the image, remove the case, or choose fewer modalities",
                )
            further = by_case[name][key]
            # what a further image says and the first one does not would be left out
            labels = [each.cells[columns.label] for each in (row, further)]
            if labels[0] != labels[1]:
                raise DataError(
                    f"label `{labels[1]}`, and `{labels[0]}` in {row.place}, of the same case",
                    where=further.where,
                    allowed="one label for all images of a case",
                    remedy="correct the label",
                )
            if columns.marks and further.cells[columns.marks] and not row.cells[columns.marks]:
                raise DataError(
                    f"lesions on a further image of a case, none on that of `{first}` in "
                    f"{row.place}",
                    where=further.where,
                    allowed=f"lesions on the images that are named first, of `{first}`",
                    remedy="name the modality with the lesions first (`skiagram init … --images`)",
                )


def split_of(row: CsvRow, columns: Columns, test_sites: Sequence[str]) -> Split | None:
    """Return the split of a row; None where nothing tells it."""
    if test_sites and columns.site:
        return "test" if row.cells[columns.site] in test_sites else "train"
    return SPLITS.get(row.cells[columns.split].casefold()) if columns.split else None


def _rules_of_rows(columns: Columns, classes: Sequence[str], *, hidden: bool) -> list[_Rule]:
    """Return what the cells of a row must hold; a hidden label must be empty."""
    named = {"label": columns.label, "patient": columns.patient, "split": columns.split}
    fill, correct = "fill in the cell, or remove the row", "correct the cell"
    label = _Rule(
        columns.label,
        lambda cell: cell not in classes,
        "label `{cell}`",
        listed(classes),
        "correct the label, or add the class to the classes",
    )
    if hidden:
        label = _Rule(
            named.pop("label"),
            bool,
            "a test case with its label in the CSV, though labels of test cases are encrypted",
            remedy="empty the cell, or do without --sealed-labels",
        )
    leave = f"{fill}; `--empty-label` says what becomes of rows without a label"
    rules = [
        _Rule(
            column,
            lambda cell: not cell,
            f"an empty {kind}, column `{column}`",
            remedy=leave if kind == "label" else fill,
        )
        for kind, column in {**named, "site": columns.site}.items()
    ]
    rules += [
        label,
        _Rule(
            columns.split, lambda cell: cell.casefold() not in SPLITS, "split `{cell}`", SPLIT_NAMES
        ),
        _Rule(columns.mask, lambda cell: not cell, "an image without a mask", remedy=fill),
        *_rules_of_image(columns),
        _Rule(
            columns.marks,
            bool if hidden else is_unreadable,
            "lesions of a test case, though labels are encrypted" if hidden else "lesions `{cell}`",
            "an empty cell" if hidden else ALLOWED,
            correct,
        ),
        _Rule(
            columns.visit,
            lambda cell: not _WHOLE.fullmatch(cell) or not 1 <= float(cell) <= MAX_VISITS,
            f"no number of a visit, column `{columns.visit}`",  # a date is not quoted
            f"whole numbers from 1 to {MAX_VISITS}, in the order of a patient's visits",
            "let `skiagram init` write the manifest: it turns dates into numbers",
        ),
    ]
    finite = "a finite number for every case"
    for column in columns.scores:
        fault = f"score `{{cell}}`, column `{column}`"
        rules += [
            _Rule(column, lambda cell: not cell, f"no score, column `{column}`", finite, correct),
            _Rule(column, _has_decimal_comma, fault, finite, _POINT),
            _Rule(column, lambda cell: not is_number(cell), fault, finite, correct),
        ]
    return rules


def _rules_of_image(columns: Columns) -> list[_Rule]:
    """Return what the cells must hold that choose something in a row's files."""
    return [
        _Rule(
            columns.label_value,
            lambda cell: cell not in ("", _ALL) and not _WHOLE.fullmatch(cell),
            f"`{{cell}}`, column `{columns.label_value}`",
            f"a whole number, `{_ALL}`, or an empty cell",
            "correct the cell",
        ),
        _Rule(
            columns.frame,
            lambda cell: cell not in ("", _ALL) and not (_WHOLE.fullmatch(cell) and float(cell)),
            f"`{{cell}}`, column `{columns.frame}`",
            f"a number from 1, `{_ALL}`, or an empty cell",
            "correct the cell",
        ),
    ]


def _has_decimal_comma(cell: str) -> bool:
    return _DECIMAL_COMMA.fullmatch(cell) is not None


def parse_value(cell: str) -> float:
    """Return the value of an outcome; NaN, which it refuses, where the cell is no number."""
    return parse_number(cell) if is_number(cell) else math.nan


def is_number(cell: str) -> bool:
    """Return whether a cell is a finite number."""
    try:
        return math.isfinite(parse_number(cell))
    except ValueError:
        return False
