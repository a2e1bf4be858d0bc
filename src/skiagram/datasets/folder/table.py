"""The table that lists a folder's images: which rows can be used, and what is wrong with others."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from io import StringIO
from pathlib import Path, PurePosixPath

from skiagram.errors import DataError

_WHERE = "the CSV"


@dataclass(frozen=True)
class Row:
    """One row of a table.

    Attributes:
        line: Line in the file, from 1.
        cells: Column name → cell without blanks around it.
    """

    line: int
    cells: dict[str, str]

    @property
    def where(self) -> str:
        """Return the row's place, for messages."""
        return f"{_WHERE}, line {self.line}"


def read_rows(content: bytes) -> list[Row]:
    """Read a comma-separated table with a header; rows without any cell are left out.

    Args:
        content: The whole file, UTF-8.

    Raises:
        DataError: Another encoding or separator, a column named twice, a row of another length, or
            no row at all.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise DataError(
            f"line {line} is not UTF-8",
            where=_WHERE,
            remedy="save the table as `CSV UTF-8`, or convert it with `iconv -t UTF-8`",
        ) from error
    lines = csv.reader(StringIO(text, newline=""))
    header = [name.strip() for name in next(lines, [])]
    _check_header(header)
    rows: list[Row] = []
    for cells in lines:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            raise DataError(
                f"{len(cells)} cells",
                where=f"{_WHERE}, line {lines.line_num}",
                allowed=f"{len(header)}, one a column",
                remedy="put cells that hold a comma in quotation marks",
            )
        stripped = (cell.strip() for cell in cells)
        rows.append(Row(lines.line_num, dict(zip(header, stripped, strict=True))))
    if not rows:
        raise DataError("no rows", where=_WHERE, allowed="a header and a row a file")
    return rows


def _check_header(header: list[str]) -> None:
    if len(header) == 1 and any(mark in header[0] for mark in ";\t|"):
        raise DataError(
            f"the header `{header[0]}` has no comma",
            where=_WHERE,
            allowed="columns separated by commas",
            remedy="save the table with commas; semicolons and tabs are not guessed at",
        )
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise DataError(
            f"two columns are called `{twice[0]}`", where=_WHERE, remedy="rename one of them"
        )


def require_columns(rows: list[Row], named: Iterable[str]) -> None:
    """Refuse a table that lacks a column.

    Raises:
        DataError: Naming the first missing column and those that are there.
    """
    there = rows[0].cells
    for name in named:
        if name not in there:
            raise DataError(
                f"no column `{name}`",
                where=_WHERE,
                allowed=", ".join(f"`{one}`" for one in there),
                remedy="rename the column, or say which one holds it",
            )


def file_problems(rows: list[Row], column: str) -> list[DataError]:
    """Return what is wrong with the column of file names, in row order.

    Args:
        rows: The table.
        column: Name of the column; names are relative to the folder.
    """
    problems: list[DataError] = []
    lines: dict[str, list[int]] = {}
    for row in rows:
        name = row.cells[column]
        if not name:
            problems.append(
                DataError("no file name", where=row.where, remedy="name the file or drop the row")
            )
        elif Path(name).is_absolute() or ".." in PurePosixPath(name).parts:
            problems.append(
                DataError(
                    f"`{name}` lies outside the folder",
                    where=row.where,
                    allowed="names relative to the folder",
                    remedy="name the file from the folder on",
                )
            )
        else:
            lines.setdefault(normal(name), []).append(row.line)
    problems += [
        DataError(
            f"{len(at)} rows, in lines {', '.join(map(str, at))} of the CSV",
            where=name,
            allowed="one row a file",
            remedy="keep the row with the right label",
        )
        for name, at in lines.items()
        if len(at) > 1
    ]
    return problems


def normal(name: str) -> str:
    """Return the one spelling of a relative file name: `./a//b.png` is `a/b.png`."""
    return PurePosixPath(name).as_posix() if name else ""
