"""What the table that lists a folder's images says: its columns, and the entries its rows give.

Rows that cannot be used are named with what is wrong with them. A column goes on
only if it is named; one that could tell who a patient is only if that is forced.
"""

import math
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from pydantic.dataclasses import dataclass as options

from skiagram.datasets.contract import Entry, Visit
from skiagram.datasets.folder.csv_rows import WHERE, Row, require_columns
from skiagram.datasets.folder.identifiers import suspect_column
from skiagram.datasets.volumes.case_images import ImageReference
from skiagram.errors import DataError, OptionError
from skiagram.options import STRICT
from skiagram.records import SEALED, Split

_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
_POINT = (
    "replace the commas; in Excel, set the decimal separator to `.` in File, Options, Advanced, "
    "and save the table again"
)
MAX_VISITS = 999  # of a patient; longer numbers can be dates
_SPLITS: dict[str, Split] = {"train": "train", "validation": "validation", "test": "test"}


def find_file_problems(
    rows: list[Row], column: str, beside: tuple[str, ...] = ()
) -> list[DataError]:
    """Return what is wrong with a column of file names, in row order.

    Args:
        column: Name of the column; names are relative to the folder.
        beside: Columns that tell several rows of one file apart.
    """
    problems: list[DataError] = []
    lines: dict[tuple[str, ...], list[int]] = {}
    for row in rows:
        name = row.cells[column]
        if not name:
            problems.append(
                DataError(
                    "no file name",
                    where=row.where,
                    remedy="fill in the file name, or remove the row",
                )
            )
        elif "\0" in name:
            problems.append(
                DataError(
                    "a file name with a NUL character",
                    where=row.where,
                    remedy="correct the file name, or remove the row",
                )
            )
        elif "\\" in name:
            problems.append(
                DataError(
                    f"`{name}` holds a backslash",
                    where=row.where,
                    allowed="`/` between folders",
                    remedy="replace `\\` by `/` in the column of file names",
                )
            )
        elif os.path.isabs(name) or ".." in name.split("/"):  # noqa: PTH117 - Path takes far longer
            problems.append(
                DataError(
                    f"`{name}` lies outside the folder",
                    where=row.where,
                    allowed="names relative to the folder",
                    remedy="give the file name relative to the folder",
                )
            )
        else:
            apart = tuple(row.cells[other] for other in beside)
            lines.setdefault((normalise_name(name), *apart), []).append(row.line)
    problems += [
        DataError(
            f"{len(lines_of_file)} rows, in lines {', '.join(map(str, lines_of_file))} of the CSV",
            where=key[0],
            allowed="one row per region" if beside else "one row per file",
            remedy="keep the row with the right label",
        )
        for key, lines_of_file in lines.items()
        if len(lines_of_file) > 1
    ]
    return problems


def normalise_name(name: str) -> str:
    """Return the one spelling of a relative file name: `./a//b.png` is `a/b.png`."""
    if not name or name.startswith("/"):
        return PurePosixPath(name).as_posix() if name else ""
    return "/".join(part for part in name.split("/") if part not in {"", "."}) or "."


ALL_FRAMES = "all"


@options(**STRICT)
class Columns:
    """Which column of the table holds what.

    Attributes:
        file: File name, relative to the folder.
        label: Class.
        patient: Patient, or what else groups images of one person; null where unknown.
        split: `train`, `validation` or `test`; null where no split is published.
        site: Where the image was taken; null where unknown.
        covariates: What else goes on; nothing that identifies a person.
        forced_covariates: Those of the covariates that go on although they look as if they did.
        scores: What readers or devices said, a number for every case, higher = more likely the
            positive class; each can stand beside the models.
        mask: File of the region of interest, relative to the folder; null for whole images.
        modality: Kind of image, where a case has several, for example PET and MR.
        region: Name of the region in a mask's file that holds several.
        label_value: Value of the region's voxels, where a mask holds several labels.
        frame: Number of a frame in a DICOM file of several, or of a page in a TIFF, from 1, or
            `all` for a volume of them.
        visit: Place of the image among the patient's visits, a whole number; null where each
            patient was seen once, or nobody knows.
    """

    file: str
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

    def __post_init__(self) -> None:
        if self.visit is not None and self.patient is None:
            raise OptionError(
                f"`{self.visit}` without a column of patients",
                where="dataset.columns.visit",
                allowed="visits of patients that `columns.patient` tells apart",
            )
        taken = {self.file, self.label, self.patient, self.split, "case_id"}
        for option, names in {"covariates": self.covariates, "scores": self.scores}.items():
            wrong = [name for name in names if name in taken]
            if wrong:
                raise OptionError(
                    f"`{wrong[0]}` was given",
                    where=f"dataset.columns.{option}",
                    allowed="columns that neither identify a person nor tell label or split",
                )
        both = [name for name in self.scores if name in self.covariates]
        if both:
            raise OptionError(
                f"`{both[0]}` is among the covariates too",
                where="dataset.columns.scores",
                allowed="either: models learn from covariates, and are compared with scores",
            )
        beside = [name for name in self.forced_covariates if name not in self.covariates]
        if beside:
            raise OptionError(
                f"`{beside[0]}` is not among the covariates",
                where="dataset.columns.forced_covariates",
                allowed="names that `columns.covariates` lists too",
            )

    def used(self) -> tuple[str, ...]:
        """Return every column that is read, the file's first."""
        named = (self.file, self.patient, self.label, self.split, self.site)
        of_regions = (self.mask, self.modality, self.region, self.label_value, self.frame)
        every = (*named, *of_regions, self.visit, *self.covariates, *self.scores)
        return tuple(dict.fromkeys(name for name in every if name is not None))


def find_covariate_problems(rows: list[Row], columns: Columns) -> list[DataError]:
    """Return which covariates could tell who a patient is, and are not forced, without a cell."""
    with_commas = [
        name
        for name in columns.covariates
        if any(_DECIMAL_COMMA.fullmatch(row.cells[name]) for row in rows)
    ]
    suspects = {
        name: suspect_column(name, [row.cells[name] for row in rows])
        for name in columns.covariates
        if name not in columns.forced_covariates and name not in with_commas
    }
    return [
        DataError(
            "numbers with a decimal comma",
            where=f"{WHERE}, column `{name}`",
            allowed="a decimal point",
            remedy=_POINT,
        )
        for name in with_commas
    ] + [
        DataError(
            f"as a covariate it could tell who a patient is: {why}",
            where=f"{WHERE}, column `{name}`",
            allowed="measurements, and texts of few words that many rows share",
            remedy="leave it out of the covariates; if it identifies nobody, add "
            f"`--force-covariates '{name}'` (`columns.forced_covariates` in the option file)",
        )
        for name, why in suspects.items()
        if why is not None
    ]


@dataclass(frozen=True)
class Listing:
    """What a table says.

    Attributes:
        entries: One a usable row, in row order.
        problems: What is wrong with other rows or with the whole, in the words of the run.
        references: What is read for each entry.
    """

    entries: list[Entry]
    problems: list[DataError]
    references: list[ImageReference]


def list_entries(
    rows: list[Row],
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

    Raises:
        DataError: A column is missing.
        OptionError: Split and test sites are both given, or a site does not exist.
    """
    require_columns(rows, columns.used())
    _check_sites(rows, columns, test_sites)
    parts = (columns.region, columns.label_value, columns.frame)
    apart = tuple(name for name in parts if name is not None)
    problems = [
        *find_covariate_problems(rows, columns),
        *find_file_problems(rows, columns.file, apart),
    ]
    if columns.mask is not None:
        drawn = [row for row in rows if row.cells[columns.mask]]  # `_problem` names the others
        problems += find_file_problems(drawn, columns.mask, (columns.file, *apart))
    numeric = {name for name in columns.covariates if _is_numeric(rows, name)}
    entries: dict[str, Entry] = {}
    references: dict[str, ImageReference] = {}
    for row in rows:
        hidden = sealed and split_of(row, columns, test_sites) == "test"
        problem = _problem(row, columns, classes, hidden=hidden)
        if problem is not None:
            problems.append(problem)
            continue
        reference = refer(row, columns)
        references.setdefault(reference.name, reference)
        label = SEALED if hidden else classes.index(row.cells[columns.label])
        entry = _entry(row, columns, label, test_sites, numeric)
        entries.setdefault(reference.name, entry)
    return Listing(list(entries.values()), problems, list(references.values()))


def refer(row: Row, columns: Columns) -> ImageReference:
    """Return what is read for a row whose cells are sound."""
    mask = row.cells[columns.mask] if columns.mask else None
    label = row.cells[columns.label_value] if columns.label_value else ""
    return ImageReference(
        file=normalise_name(row.cells[columns.file]),
        mask=normalise_name(mask) if mask else None,
        region=(row.cells[columns.region] or None) if columns.region else None,
        label_value=int(label) if label else None,
        frame=_frame(row, columns),
    )


def _frame(row: Row, columns: Columns) -> int | None:
    cell = row.cells[columns.frame] if columns.frame else ""
    return 0 if cell == ALL_FRAMES else int(cell) if cell else None


def split_modalities(
    rows: list[Row], columns: Columns, modalities: Sequence[str]
) -> dict[str, list[Row]]:
    """Return modality → its rows, those of one case at the same place in each.

    A case is told by its patient and, where there are some, its region and its visit.

    Args:
        modalities: Which to read, in this order; empty where the table holds one or does not tell.

    Raises:
        OptionError: No modality is chosen where the table holds several, or one is unknown.
        DataError: A case lacks a modality, or has two images of it.
    """
    if columns.modality is None:
        if modalities:
            raise OptionError(
                f"`{modalities[0]}` was given",
                where="dataset.modalities",
                allowed="modalities where `columns.modality` names a column",
            )
        return {"": rows}
    modalities_there = sorted({row.cells[columns.modality] for row in rows})
    chosen = list(modalities) or (modalities_there if len(modalities_there) == 1 else [])
    unknown = [name for name in chosen if name not in modalities_there]
    if unknown or not chosen:
        raise OptionError(
            f"no image of `{unknown[0]}`" if unknown else f"{len(modalities_there)} modalities",
            where="dataset.modalities",
            allowed=", ".join(modalities_there),
            remedy="choose one or several (`skiagram init … --images`)",
        )
    first, *others = chosen
    by_case = {name: _rows_by_case(rows, columns, name, len(chosen) > 1) for name in chosen}
    for name in others:
        for key, row in by_case[first].items():
            if key not in by_case[name]:
                raise DataError(
                    f"a case without an image of `{name}`",
                    where=row.where,
                    allowed=f"an image of each of {', '.join(chosen)} for every case",
                    remedy="add the row, remove the case, or choose fewer modalities",
                )
    return {name: [by_case[name][key] for key in by_case[first]] for name in chosen}


def _rows_by_case(
    rows: list[Row], columns: Columns, modality: str, several: bool
) -> dict[tuple[str, ...], Row]:
    of_modality = [row for row in rows if row.cells[columns.modality or ""] == modality]
    if not several:
        return {(str(row.line),): row for row in of_modality}
    of_case = (columns.patient, columns.region, columns.visit)
    key_columns = [name for name in of_case if name is not None]
    by_case: dict[tuple[str, ...], Row] = {}
    for row in of_modality:
        key = tuple(row.cells[name] for name in key_columns)
        if by_case.setdefault(key, row) is not row:
            raise DataError(
                f"a second image of `{modality}` for the same patient, region and visit",
                where=row.where,
                allowed="one row per patient, region, visit and modality",
                remedy="name lesions in the column `region`, and patients in theirs",
            )
    return by_case


def _entry(
    row: Row,
    columns: Columns,
    label: int,
    test_sites: Sequence[str],
    numeric: set[str],
) -> Entry:
    known = {name: row.cells[name] or None for name in columns.covariates}
    return Entry(
        name=refer(row, columns).name,
        patient=row.cells[columns.patient] if columns.patient else None,
        label=label,
        split=split_of(row, columns, test_sites),
        covariates={
            name: float(cell) if cell is not None and name in numeric else cell
            for name, cell in known.items()
        },
        scores={name: float(row.cells[name]) for name in columns.scores},
        visit=_visit(row, columns),
    )


def _visit(row: Row, columns: Columns) -> Visit | None:
    if columns.visit is None:
        return None
    return Visit(int(row.cells[columns.visit]), row.cells.get(columns.region or "", ""))


def split_of(row: Row, columns: Columns, test_sites: Sequence[str]) -> Split | None:
    """Return the split of a row; None where nothing tells it."""
    if test_sites and columns.site:
        return "test" if row.cells[columns.site] in test_sites else "train"
    return _SPLITS.get(row.cells[columns.split]) if columns.split else None


def _problem(
    row: Row, columns: Columns, classes: Sequence[str], *, hidden: bool
) -> DataError | None:
    """Return what is wrong with the cells of one row; a hidden label must be empty."""
    named = {"label": columns.label, "patient": columns.patient, "split": columns.split}
    where = row.cells[columns.file] or row.where
    for kind, column in {**named, "site": columns.site}.items():
        if column is not None and not row.cells[column] and not (hidden and kind == "label"):
            remedy = "fill in the cell, or remove the row"
            return DataError(f"an empty {kind}, column `{column}`", where=where, remedy=remedy)
    label = row.cells[columns.label]
    if hidden and label:
        return DataError(
            "a test case with its label in the CSV, though labels of test cases are encrypted",
            where=where,
            remedy="empty the cell, or do without --sealed-labels",
        )
    if label not in classes and not hidden:
        return DataError(
            f"label `{label}`",
            where=where,
            allowed=", ".join(classes),
            remedy="correct the label, or add the class to the classes",
        )
    if columns.split is not None and row.cells[columns.split] not in _SPLITS:
        return DataError(
            f"split `{row.cells[columns.split]}`", where=where, allowed=", ".join(_SPLITS)
        )
    return (
        _region_problem(row, columns, where)
        or _visit_problem(row, columns, where)
        or _score_problem(row, columns.scores, where)
    )


def _visit_problem(row: Row, columns: Columns, where: str) -> DataError | None:
    """Return what is wrong with the number of a visit; a date is not quoted."""
    cell = row.cells[columns.visit] if columns.visit else "1"
    if cell.isascii() and cell.isdigit() and 1 <= int(cell) <= MAX_VISITS:
        return None
    return DataError(
        f"no number of a visit, column `{columns.visit}`",
        where=where,
        allowed=f"whole numbers from 1 to {MAX_VISITS}, in the order of a patient's visits",
        remedy="let `skiagram init` write the manifest: it turns dates into numbers",
    )


def _wrong_cell(cell: str, column: str | None, allowed: str, where: str) -> DataError:
    return DataError(
        f"`{cell}`, column `{column}`", where=where, allowed=allowed, remedy="correct the cell"
    )


def _region_problem(row: Row, columns: Columns, where: str) -> DataError | None:
    if columns.mask is not None and not row.cells[columns.mask]:
        return DataError(
            f"an image without a mask, column `{columns.mask}`",
            where=where,
            allowed="a mask for every image, or none for all",
            remedy="fill in the mask, or remove the row",
        )
    label = row.cells[columns.label_value] if columns.label_value else ""
    if label and not label.isdecimal():
        return _wrong_cell(label, columns.label_value, "a whole number, or an empty cell", where)
    return find_frame_problem(row, columns, where)


def find_frame_problem(row: Row, columns: Columns, where: str) -> DataError | None:
    """Return what is wrong with a row's frame, if anything."""
    frame = row.cells[columns.frame] if columns.frame else ""
    if frame not in ("", ALL_FRAMES) and not (frame.isdecimal() and int(frame)):
        allowed = f"a number from 1, `{ALL_FRAMES}`, or an empty cell"
        return _wrong_cell(frame, columns.frame, allowed, where)
    return None


def _score_problem(row: Row, scores: Sequence[str], where: str) -> DataError | None:
    for column in scores:
        cell = row.cells[column]
        if not _is_number(cell):
            return DataError(
                f"score `{cell}`, column `{column}`" if cell else f"no score, column `{column}`",
                where=where,
                allowed="a finite number for every case",
                remedy=_POINT
                if _DECIMAL_COMMA.fullmatch(cell)
                else "correct the cell, or leave the column out of the scores",
            )
    return None


def _check_sites(rows: list[Row], columns: Columns, test_sites: Sequence[str]) -> None:
    if not test_sites:
        return
    if columns.site is None or columns.split is not None:
        raise OptionError(
            f"{list(test_sites)} was given",
            where="dataset.test_sites",
            allowed="test sites where `columns.site` names a column and `columns.split` is null",
        )
    sites = sorted({row.cells[columns.site] for row in rows})
    unknown = sorted(set(test_sites) - set(sites))
    if unknown:
        raise OptionError(
            f"no image of site `{unknown[0]}`", where="dataset.test_sites", allowed=", ".join(sites)
        )


def _is_numeric(rows: list[Row], column: str) -> bool:
    return all(_is_number(row.cells[column]) for row in rows if row.cells[column])


def _is_number(cell: str) -> bool:
    try:
        return math.isfinite(float(cell))
    except ValueError:
        return False
