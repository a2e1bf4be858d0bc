"""Columns of a data set's table by their roles, and what is wrong with them."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from pydantic.dataclasses import dataclass as options

from skiagram.arrays import Floats
from skiagram.datasets.folder.identifiers import suspect_column
from skiagram.datasets.folder.roles import (
    DECIMAL_COMMA,
    SINGLE,
    Check,
    NamedColumns,
)
from skiagram.errors import DataError, OptionError, listed, nearest, refusal
from skiagram.strict import STRICT
from skiagram.tables.cells import stands_for_missing
from skiagram.tables.frames import WHERE, find_texts, numbers_of, row_at

# Numbers that no program reads as such: 1,234.5, 1.234,5, 45 %, <0.1, a sign for minus, NumPy's.
_WRITTEN = re.compile(
    r"[+\-−]?[1-9]\d{0,2}([.,'’ \u00a0\u202f]\d{3})+([.,]\d+)?|[+\-−]?\d+([.,]\d+)?\s*%"
    r"|[<>≤≥]\s*\d+([.,]\d+)?|−\d+([.,]\d+)?|(np\.\w+)?[\[(]\s*[+-]?\d[^\])]*[\])]"
)
_SHORT_OR_POINTED = re.compile(r"[+-]?(\d{1,3}|[1-9]\d{0,2}\.\d{3})")  # 1.234 may be either number
_MAX_CATEGORIES = 20
_HUNDREDS = re.compile(r"[+-]?[1-9]\d\d")


@options(frozen=True, kw_only=True, config=STRICT["config"])
class Columns(NamedColumns):
    """Which column of the table of a data set holds what; null where none does.

    Attributes:
        file: Name of the file; null where a row has features in place of a file.
        value: Value of the outcome, such as a time; null where classes are told apart.
        features: Numbers that stand in place of an image.
    """

    meaning_of: ClassVar[Mapping[str, str]] = {**NamedColumns.meaning_of, "label": "class"}

    label: str
    covariates: tuple[str, ...] = ()
    scores: tuple[str, ...] = ()
    forced_covariates: tuple[str, ...] = ()
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
                raise refusal(
                    "datasets.given",
                    f"dataset.columns.{option}",
                    name=name,
                    allowed=allowed,
                )

    @property
    def image_file(self) -> str:
        """Column of file names, in a table of images.

        Raises:
            OptionError: The table has features in place of files.
        """
        if self.file is None:
            raise refusal("datasets.no_file_column")
        return self.file

    def used(self) -> tuple[str, ...]:
        """Return every column that is read, the file's first."""
        named = chain.from_iterable(map(self.of, (*SINGLE, "value", "covariates", "scores")))
        return tuple(dict.fromkeys((*named, *self.features)))


def require_columns(frame: pd.DataFrame, named: Iterable[str], option: str = "") -> None:
    """Refuse a table that lacks a column.

    Args:
        option: Of the command, which names the columns; empty where a config does.

    Raises:
        OptionError: An option of the command names a column that is not there.
        DataError: A column that a config names is not there any more.
    """
    header = frame.columns
    for name in named:
        if name not in header:
            near, allowed = nearest(name, header), listed(header, "`", near=name)
            question = f"did you mean `{near[0]}`? Else " if near else ""
            remedy = f"{question}rename the column, or name the right one"
            remedy += f": `{option} COLUMN`" if option else ""
            kind = OptionError if option else DataError
            raise refusal(
                "datasets.no_column",
                option or WHERE,
                kind=kind,
                name=name,
                allowed=allowed,
                remedy=remedy,
            )


def find_cell_problems(
    frame: pd.DataFrame, checks: Iterable[tuple[str, Check]], where: Sequence[str] = ()
) -> dict[int, DataError]:
    """Return place of a row → the first of some checks that one of its cells fails.

    Args:
        checks: Columns, each with a check of its cells.
        where: What names each row; none names its line.
    """
    found: dict[int, DataError] = {}
    for column, check in checks:
        cells = frame[column]
        wrong = [cell for cell in cells.unique() if not check.is_right(cell)]  # each looked at once
        for at in np.flatnonzero(cells.isin(wrong)).tolist():
            if at not in found:
                place = where[at] if where else row_at(frame, at).where
                cell, allowed = cells.iloc[at], check.allowed
                found[at] = refusal(check.key, place, cell=cell, column=column, allowed=allowed)
    return found


def require_cells(
    frame: pd.DataFrame, checks: Iterable[tuple[str, Check]], where: Sequence[str] = ()
) -> None:
    """Refuse the first row of which a cell fails a check; see `find_cell_problems`.

    Raises:
        DataError: There is one.
    """
    for _, problem in sorted(find_cell_problems(frame, checks, where).items()):
        raise problem


def find_covariate_problems(frame: pd.DataFrame, columns: Columns) -> Iterator[DataError]:
    """Yield which covariates could tell who a patient is, and are not forced, without a cell."""
    for name in columns.covariates:
        problem = None if name == columns.site else find_number_problem(frame, name)
        if problem is not None:
            yield problem
        elif name not in columns.forced_covariates and (
            why := suspect_column(name, frame[name].tolist())
        ):
            yield refusal(
                "datasets.telling_covariate",
                f"{WHERE}, column `{name}`",
                why=why,
                name=name,
            )


def find_number_problem(frame: pd.DataFrame, column: str) -> DataError | None:
    """Return why a column is neither numbers alone nor texts alone, or is two kinds of numbers.

    None where it is one of them.
    """
    cells, numbers = frame[column], numbers_of(frame[column])
    if cells.dtype.kind == "f":
        return None
    if (problem := find_thousands_problem(frame, column, numbers)) is not None:
        return problem
    where, filled = f"{WHERE}, column `{column}`", (cells != "").to_numpy()
    is_text = filled & np.isnan(numbers)
    texts = cells[is_text]
    if any(map(DECIMAL_COMMA.fullmatch, texts.unique())):
        return refusal("datasets.decimal_comma", where)
    if len(texts) in (0, filled.sum()):
        return None
    word = next(filter(stands_for_missing, texts), None)
    place = row_at(frame, int(is_text.argmax())).place
    return refusal(
        "datasets.numbers_and_texts",
        where,
        n_numbers=filled.sum() - len(texts),
        n_texts=len(texts),
        example=f"such as `{word}`" if word else f"the first in {place}",
        word=word or "WORD",
    )


def refuse_thousands(frame: pd.DataFrame, columns: Iterable[str]) -> None:
    """Refuse the first of some columns whose numbers are written for people."""
    for problem in filter(None, (find_thousands_problem(frame, name) for name in columns)):
        raise problem


def find_thousands_problem(
    frame: pd.DataFrame, column: str, numbers: Floats | None = None
) -> DataError | None:
    """Return why numbers of a column are written for people; None where they have one reading.

    Each text of it may be such a number, and they are no few categories, such as `<50` and `>50`.
    Or points may separate thousands: where each is before three digits, and a whole number of
    hundreds has none, as where 987 and 1.122 are two times in days.

    Args:
        numbers: (n,) of the cells, where they were read before.
    """
    cells, where = frame[column], f"{WHERE}, column `{column}`"
    if cells.dtype.kind == "f":
        return None
    numbers = numbers_of(cells) if numbers is None else numbers
    distinct = cells[find_texts(cells, numbers)].unique()
    texts = [cell for cell in distinct if not stands_for_missing(cell)]
    many = np.isfinite(numbers).any() or len(texts) > min(_MAX_CATEGORIES, len(cells) / 2)
    if texts:
        written = many and all(map(_WRITTEN.fullmatch, texts))
        return refusal("datasets.written_number", where, cell=texts[0]) if written else None
    whole = cells[np.isfinite(numbers)].unique()
    pointed = [cell for cell in whole if "." in cell]
    hundreds = [cell for cell in whole if _HUNDREDS.fullmatch(cell)]
    if not (pointed and hundreds and all(map(_SHORT_OR_POINTED.fullmatch, whole))):
        return None
    examples = dict.fromkeys([*hundreds[:1], *pointed][:3])
    return refusal("datasets.thousands_points", where, examples=examples)


def settle_numbers(
    frame: pd.DataFrame, columns: Iterable[str], measured: Collection[str] = ()
) -> tuple[pd.DataFrame, str]:
    """Return a table in which cells of numbers that nobody measured are empty, and a sentence.

    A program writes `NA`, `nan` or `inf` where a feature is not defined, such as for a region of
    one voxel.

    Args:
        measured: Those of the columns that become numbers where they can be nothing but
            measurements: some have decimals, and no cell is a text.
    """
    replaced = dict[str, Any]()
    count = 0
    for name in columns:
        cells, numbers = frame[name], numbers_of(frame[name])
        known, is_text = np.isfinite(numbers), find_texts(cells, numbers)
        unmeasured = ~known & ~is_text & (cells != "").to_numpy()
        if not known.any():
            continue
        has_decimals = bool((numbers[known] != np.round(numbers[known])).any())
        is_measured = name in measured and has_decimals and not is_text.any()
        if is_measured and find_thousands_problem(frame, name, numbers) is None:
            replaced[name] = pd.Series(numbers, index=frame.index)
        elif unmeasured.any():
            replaced[name] = cells.mask(unmeasured, "")
        count += int(unmeasured.sum())
    note = f"{count} cells of numbers hold `NA`, `nan`, `inf` or the like; they count as empty."
    if replaced:  # all at once, as a table of features has thousands
        cells_by_name = dict(frame.items()) | replaced
        frame = pd.DataFrame(cells_by_name, index=frame.index, copy=False)
    return frame, note if count else ""
