"""From the rows of a table to the entries of a data set."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic.dataclasses import dataclass as options

from skiagram.datasets.contract import Entry
from skiagram.datasets.folder.table import Row, file_problems, normal, require_columns
from skiagram.errors import DataError, OptionError
from skiagram.options import STRICT
from skiagram.records import Split

_SPLITS: dict[str, Split] = {"train": "train", "validation": "validation", "test": "test"}


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
        scores: What readers or devices said, a number for every case, higher = more likely the
            positive class; each can stand beside the models.
    """

    file: str
    label: str
    patient: str | None
    split: str | None
    site: str | None
    covariates: tuple[str, ...]
    scores: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse covariates and scores that identify a person or tell the answer."""
        kept = {self.file, self.label, self.patient, self.split, "case_id"}
        for option, names in {"covariates": self.covariates, "scores": self.scores}.items():
            wrong = [name for name in names if name in kept]
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

    def used(self) -> tuple[str, ...]:
        """Return every column that is read, the file's first."""
        named = (self.file, self.patient, self.label, self.split, self.site)
        every = (*named, *self.covariates, *self.scores)
        return tuple(dict.fromkeys(name for name in every if name is not None))


@dataclass(frozen=True)
class Listing:
    """What a table says.

    Attributes:
        entries: One a usable row, in row order.
        problems: What is wrong with other rows or with the whole, in the words of the run.
    """

    entries: list[Entry]
    problems: list[DataError]


def listed(
    rows: list[Row], columns: Columns, classes: Sequence[str], test_sites: Sequence[str]
) -> Listing:
    """Return the entries of a table and all that is wrong with it.

    Args:
        rows: The table.
        columns: Which column holds what.
        classes: Class names in label order.
        test_sites: Sites whose images are the test set; the rest is for training.

    Raises:
        DataError: A column is missing.
        OptionError: Split and test sites are both given, or a site does not exist.
    """
    require_columns(rows, columns.used())
    _check_sites(rows, columns, test_sites)
    problems = file_problems(rows, columns.file)
    numeric = {name for name in columns.covariates if _is_numeric(rows, name)}
    entries: dict[str, Entry] = {}
    for row in rows:
        problem = _problem(row, columns, classes)
        if problem is not None:
            problems.append(problem)
            continue
        name = normal(row.cells[columns.file])
        entries.setdefault(name, _entry(row, columns, classes, test_sites, numeric))
    return Listing(list(entries.values()), problems)


def _entry(
    row: Row,
    columns: Columns,
    classes: Sequence[str],
    test_sites: Sequence[str],
    numeric: set[str],
) -> Entry:
    split: Split | None = _SPLITS[row.cells[columns.split]] if columns.split else None
    if test_sites and columns.site:
        split = "test" if row.cells[columns.site] in test_sites else "train"
    known = {name: row.cells[name] or None for name in columns.covariates}
    return Entry(
        name=normal(row.cells[columns.file]),
        patient=row.cells[columns.patient] if columns.patient else None,
        label=classes.index(row.cells[columns.label]),
        split=split,
        covariates={
            name: float(cell) if cell is not None and name in numeric else cell
            for name, cell in known.items()
        },
        scores={name: float(row.cells[name]) for name in columns.scores},
    )


def _problem(row: Row, columns: Columns, classes: Sequence[str]) -> DataError | None:
    """Return what is wrong with the cells of one row."""
    named = {"label": columns.label, "patient": columns.patient, "split": columns.split}
    where = row.cells[columns.file] or row.where
    for kind, column in {**named, "site": columns.site}.items():
        if column is not None and not row.cells[column]:
            remedy = "fill the cell or drop the row"
            return DataError(f"an empty {kind}, column `{column}`", where=where, remedy=remedy)
    label = row.cells[columns.label]
    if label not in classes:
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
    return _score_problem(row, columns.scores, where)


def _score_problem(row: Row, scores: Sequence[str], where: str) -> DataError | None:
    for column in scores:
        cell = row.cells[column]
        if not _is_number(cell):
            return DataError(
                f"score `{cell}`, column `{column}`" if cell else f"no score, column `{column}`",
                where=where,
                allowed="a finite number for every case",
                remedy="correct the cell, or leave the column out of the scores",
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
