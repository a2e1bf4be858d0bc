"""A CSV becomes a frame of texts, as spreadsheets, pandas and R write it, or is refused by name.

The index of a frame tells its rows apart: it is their line, or whose image it is where names of
files made the table. Cells have no blanks around them; an empty one is an empty text.
"""

import codecs
import csv
import gzip
import math
import re
import zlib
from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO, StringIO
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from skiagram.arrays import Flags, Floats
from skiagram.declared import read_declared
from skiagram.errors import DataError, escape_controls, named, refusal
from skiagram.readers.files import read_file
from skiagram.tables.cells import UNMEASURED, number_of, stands_for_missing

WHERE = "the CSV"
NAMES_OF_FILES = ("file", "mask")  # columns
_MAX_COLUMNS = 50_000
_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}
_SEPARATOR_HINT = re.compile(r"sep=([,;\t])\r?\n")  # a first line that Excel understands
_FIRST_ROWS = 100  # that tell the separator
_PIECE = 2**22  # bytes of a table
_PACKED_CELLS = 2**19  # that are texts of Python at a time, which take five times the memory
_COMMA_OR_WHOLE = re.compile(r"[+-]?\d+(,\d+)?([eE][+-]?\d+)?")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+")  # 1,234 may be either number
_GZIP = b"\x1f\x8b"
_MOST_UNPACKED = 2**29
_QUOTED = re.compile(r'"[^"]*"')
_OTHER_FORMS: list[dict[str, str]] = read_declared("skiagram.tables", "forms.yaml")


def numbers_of(cells: "pd.Series[str]") -> Floats:
    """Return (n,) the finite number of each cell; NaN of any other.

    Numbers that were read before stay as they are.
    """
    if cells.dtype.kind == "f":
        return cells.to_numpy(dtype=np.float64)
    filled = pc.if_else(pc.equal(pa.array(cells), ""), None, pa.array(cells))
    try:
        numbers: Floats = pc.cast(filled, pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:  # some cell is a text
        found = map(number_of, cells)
        return np.array([math.nan if each is None else each for each in found], dtype=np.float64)
    return np.where(np.isfinite(numbers), numbers, np.nan)


def find_texts(cells: "pd.Series[str]", numbers: Floats) -> Flags:
    """Return (n,) which cells are neither empty, nor a number, nor one that nobody measured.

    Args:
        numbers: (n,) of the cells.
    """
    if cells.dtype.kind == "f" or not np.isnan(numbers).any():
        return np.zeros(len(cells), dtype=np.bool_)
    texts = np.isnan(numbers) & (cells != "").to_numpy()
    if texts.any():
        texts &= ~cells.str.casefold().isin([*UNMEASURED]).to_numpy()
    return texts


def are_numbers(cells: "pd.Series[str]") -> bool:
    """Return whether each cell that is not empty says a finite number, and one does."""
    numbers = numbers_of(cells)
    known = np.isfinite(numbers)
    if cells.dtype.kind != "f" and not known.all():
        return bool(known.any() and (cells[~known] == "").all())
    return bool(known.any())


@dataclass(frozen=True)
class TableLine:
    """One row of a frame, for who reads it by itself.

    Attributes:
        key: Its line, or whose image it is.
    """

    key: int | str
    cells: dict[str, str]

    @property
    def where(self) -> str:
        return f"{WHERE if isinstance(self.key, int) else self.key}, {self.place}"

    @property
    def place(self) -> str:
        """What finds the row: its line, or its file where names of files gave it."""
        return f"line {self.key}" if isinstance(self.key, int) else f"file {self.cells['file']}"

    def number(self, column: str) -> float | None:
        """Return the finite number that a cell says; None of any other."""
        return number_of(self.cells[column])


def rows_of(frame: pd.DataFrame, columns: Iterable[str] | None = None) -> list[TableLine]:
    """Return each row by itself, with some columns or all."""
    names = [*frame.columns] if columns is None else [*dict.fromkeys(columns)]
    if "file" in frame.columns:
        names = [*dict.fromkeys([*names, "file"])]
    cells = (
        zip(*(frame[name].tolist() for name in names), strict=True) if names else [()] * len(frame)
    )
    return [
        TableLine(key, dict(zip(names, each, strict=True)))
        for key, each in zip(frame.index.tolist(), cells, strict=True)
    ]


def texts_of(frame: pd.DataFrame) -> list[str]:
    """Return the columns whose cells are texts; of the others numbers were read."""
    return [str(name) for name, dtype in frame.dtypes.items() if dtype.kind != "f"]


def replace_columns(frame: pd.DataFrame, columns: Mapping[str, Any]) -> pd.DataFrame:
    """Return a table with columns replaced or added, whatever they are called.

    `DataFrame.assign` takes none that is called `self`.
    """
    replaced = frame.copy(deep=False)
    for name, cells in columns.items():
        replaced[name] = cells
    return replaced


def row_at(frame: pd.DataFrame, at: int) -> TableLine:
    """Return one row, by its place."""
    (row,) = rows_of(frame.iloc[[at]])
    return row


def count_cases(frame: pd.DataFrame) -> int:
    """Return how many rows there are; of a table made of names of files, how many cases.

    Such a table has a row for each modality of a case.
    """
    return int(frame.index.nunique())


def read_table(
    content: bytes,
    files: Collection[str] = NAMES_OF_FILES,
    columns: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Read a table with a header, as a spreadsheet saves it; rows without any cell are left out.

    Empty lines above the header are left out, and empty cells without a column at the end of rows.
    In a table with another separator than commas, decimal commas become points, unless a cell of it
    contradicts them.

    Args:
        content: The whole file, also packed by gzip: UTF-8, or UTF-16 with its mark; columns are
            separated by commas, semicolons or tabs, whichever the header has.
        files: Columns of file names, which are spelled as on the disk; other cells become NFC.
        columns: Names of the columns of a table without a header.
    """
    content = _unpack(content)
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            content = content.decode("utf-16").encode()
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            raise _of_another_encoding(line, "UTF-16") from None
    content = content.removeprefix(codecs.BOM_UTF8)
    for form in _OTHER_FORMS:
        if re.match(form["tells"].encode(), content):
            raise DataError(form["found"], where=WHERE, allowed="CSV", remedy=form["remedy"])
    is_ascii, has_commas = content.isascii(), b"," in content
    # each piece goes when it was read, so that a large table is not held twice
    pieces = deque(content[at : at + _PIECE] for at in range(0, len(content), _PIECE))
    del content
    head = "".join(islice(_lines_of(pieces.copy()), _FIRST_ROWS))
    separator = _find_separator(head)
    lines, table = _read_columns(_lines_of(pieces), separator, head, columns)
    if not is_ascii:
        for name in table.keys() - {*files}:
            table[name] = table[name].str.normalize("NFC")
    frame = pd.DataFrame(table, index=pd.Index(lines, dtype=np.int64))
    if separator == "," or not has_commas:
        return frame
    # points for decimal commas, where every cell of the table agrees with these
    distinct = {name: frame[name].unique() for name in frame}
    with_comma = [
        name
        for name, cells in distinct.items()
        if any("," in cell for cell in cells)
        and all(
            not cell or _COMMA_OR_WHOLE.fullmatch(cell) or stands_for_missing(cell)
            for cell in cells
        )
    ]
    written = {cell for name in with_comma for cell in distinct[name] if "," in cell}
    with_point = any(
        "." in cell and number_of(cell) is not None for cells in distinct.values() for cell in cells
    )
    if with_point or all(map(_THOUSANDS.fullmatch, written)):
        return frame
    return replace_columns(
        frame, {str(n): frame[n].str.replace(",", ".", regex=False) for n in with_comma}
    )


def check_same_rows(given: Mapping[str, Any]) -> None:
    """Refuse pandas objects that name the same rows in another order, as they are read by place.

    Args:
        given: Name of an argument → what was given; what has no index is passed over.
    """
    rows_of = {
        name: values.index.tolist()
        for name, values in given.items()
        if isinstance(values, pd.DataFrame | pd.Series)
    }
    first = next(iter(rows_of), "")
    for name, rows in rows_of.items():
        if rows != rows_of[first] and not {*rows}.isdisjoint(rows_of[first]):
            raise refusal("tables.other_order", name, first=first)


def read_csv(
    path: Path,
    missing: Collection[str] = (),
    files: Collection[str] = NAMES_OF_FILES,
    columns: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Read a table from a file, as `read_table` does.

    Args:
        missing: Cells that stand for an empty one.
    """
    return empty_missing(read_table(read_file(path, str(path)), files, columns), missing)[0]


def _of_another_encoding(line: int, encoding: str) -> DataError:
    """Return the refusal of a table with a line that is no text in its encoding."""
    return refusal("tables.other_encoding", WHERE, line=line, encoding=encoding)


def _unpack(content: bytes) -> bytes:
    """Return the content of a table, which gzip may have packed."""
    if not content.startswith(_GZIP):
        return content
    try:
        with gzip.GzipFile(fileobj=BytesIO(content)) as file:
            content = file.read(_MOST_UNPACKED + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise refusal("tables.damaged_gzip", WHERE, error=error) from error
    if len(content) > _MOST_UNPACKED:
        raise refusal("tables.large_table", WHERE, most=_MOST_UNPACKED)
    return content


def _lines_of(pieces: deque[bytes]) -> Iterator[str]:
    """Yield each line of a table, whose pieces are taken away one after the other."""
    number, rest = 0, b""
    while pieces:
        *whole, rest = (rest + pieces.popleft()).splitlines(keepends=True)
        for line in whole if pieces else [*whole, rest]:
            number += 1
            try:
                yield line.decode()
            except UnicodeDecodeError:
                raise _of_another_encoding(number, "UTF-8") from None


def _find_separator(head: str) -> str:
    """Return the mark by which the first rows have as many cells as the header, two at least."""
    if hint := _SEPARATOR_HINT.match(head):
        return hint[1]
    text = head.lstrip("\r\n")
    header = _QUOTED.sub("", text).partition("\n")[0]
    marks = [mark for mark in _SEPARATORS if mark in header]
    if len(marks) > 1:
        marks = [mark for mark in marks if _is_regular(text, mark)] or marks[:1]
    if len(marks) > 1:
        names = " or ".join(_SEPARATORS[mark] for mark in marks)
        raise refusal("tables.two_separators", WHERE, names=names)
    return marks[0] if marks else ","


def _is_regular(text: str, separator: str) -> bool:
    lines = csv.reader(StringIO(text, newline=""), delimiter=separator)
    try:
        cells = [len(line) for line in lines if any(line)]
    except csv.Error:
        return False
    return len(set(cells)) == 1 and cells[-1] > 1


def _read_columns(
    text: Iterator[str], separator: str, head: str, columns: Sequence[str] | None
) -> tuple[list[int], "dict[str, pd.Series[str]]"]:
    """Return the line of each row, and name → cells of each column."""
    reader = csv.reader(text, delimiter=separator, strict=True)
    rows: Iterator[list[str]] = ([cell.strip() for cell in cells] for cells in reader)
    lines: list[int] = []
    packed: list[list[pa.Array]] = []
    try:
        if _SEPARATOR_HINT.match(head):
            next(rows)
        header = next(filter(any, rows), []) if columns is None else [*columns]
        width, batch = len(header), list[list[str]]()
        if width > _MAX_COLUMNS:
            raise refusal("tables.too_many_columns", WHERE, number=width, most=_MAX_COLUMNS)
        ended = False  # whether lines end with a separator: all do as the first
        for cells in rows:
            if not any(cells):
                continue
            ended = ended if lines else len(cells) == width + 1 and not cells[-1]
            if len(cells) != width + ended or (ended and cells[-1]):
                raise refusal(
                    "tables.cells_of_row",
                    f"{WHERE}, line {reader.line_num}",
                    number=len(cells),
                    width=f"{width} and an empty one" if ended else width,
                    first=header[0],
                )
            batch.append(cells[:width])
            lines.append(reader.line_num)
            if len(batch) * width >= _PACKED_CELLS:
                packed.append(_pack(batch))
                batch = []
        packed.append(_pack(batch))
    except csv.Error as error:
        raise refusal(
            "tables.unreadable_cell",
            f"{WHERE}, line {reader.line_num}",
            error=error,
            most=csv.field_size_limit(),
        ) from error
    if not lines:
        raise refusal("tables.no_rows", WHERE)
    parts = [
        pd.Series(pd.array(pa.chunked_array(chunks), dtype="str"))
        for chunks in zip(*filter(None, packed), strict=True)
    ]
    # columns without a name and a cell, as Excel leaves them at the end
    while len(parts) > 1 and not header[len(parts) - 1] and (parts[-1] == "").all():
        parts.pop()
    header = header[: len(parts)]
    nameless = header.count("")
    twice = "".join(sorted(n for n, count in Counter(header).items() if n and count > 1)[:1])
    if nameless > 1 or twice:
        fault = f"two columns are called `{twice}`" if twice else ""
        raise refusal(
            "tables.odd_header",
            WHERE,
            found=fault or f"{nameless} columns without a name",
            allowed="each name once" if twice else "a name for each column but one",
        )
    index = pd.Index(lines, dtype=np.int64)
    return lines, {name: part.set_axis(index) for name, part in zip(header, parts, strict=True)}


def _pack(rows: list[list[str]]) -> list[pa.Array]:
    """Return the cells of each column of some rows."""
    return [pa.array(cells, pa.large_string()) for cells in zip(*rows, strict=True)]


def empty_missing(frame: pd.DataFrame, words: Collection[str]) -> tuple[pd.DataFrame, Counter[str]]:
    """Return a table in which cells that stand for an empty one are empty, and how many each was.

    Args:
        words: Such cells; those that are numbers as numbers: `-9999` is also `-9999.0`.
    """
    emptied: Counter[str] = Counter()
    if not words:
        return frame, emptied
    numbers = {number: word for word in words if (number := number_of(word)) is not None}
    changed: dict[str, pd.Series[str]] = {}
    for name in frame.columns:
        cells = frame[name]
        found = cells.isin([*words]).to_numpy()
        for word, number in cells[found].value_counts().items():
            emptied[str(word)] += int(number)
        if numbers:
            values = numbers_of(cells)
            equal = np.isin(values, [*numbers]) & ~found
            emptied.update(numbers[value] for value in values[equal].tolist())
            found = found | equal
        if found.any():
            changed[str(name)] = cells.mask(found, "")
    return replace_columns(frame, changed), emptied


def describe_missing(words: Collection[str], emptied: Mapping[str, int]) -> list[str]:
    """Return sentences on how many cells each word for a missing one matched, and which none."""
    found = [f"`{word}` {emptied[word]}" for word in words if emptied.get(word)]
    nothing = [f"`{word}`" for word in words if not emptied.get(word)]
    notes = [f"Cells that count as empty (--missing): {', '.join(found)}."] if found else []
    if nothing:
        said = ", ".join(nothing)
        notes.append(f"--missing: no cell is {said}; look how the table writes what is missing.")
    return notes


def csv_text(table: pd.DataFrame | Mapping[str, Sequence[str]]) -> str:
    """Return a table as CSV."""
    return pd.DataFrame(table).to_csv(index=False, lineterminator="\n")


def inert(cell: str) -> str:
    """Return a text that no spreadsheet or terminal obeys, for tables that people open.

    What a spreadsheet would take for a formula begins with an apostrophe, and control characters
    are escaped.
    """
    shown = escape_controls(cell)
    if len(cell) > 1 and cell.startswith(("=", "+", "-", "@", "\t", "\r")):
        try:
            float(cell)
        except ValueError:
            return f"'{shown}"
    return shown


def inert_text(table: pd.DataFrame, float_format: str | None = None) -> str:
    """Return a table as CSV, in which no spreadsheet or terminal obeys a text."""
    texts = {
        name: [inert(cell) if isinstance(cell, str) else cell for cell in table[name]]
        for name in table.columns
        if table[name].dtype.kind not in "biuf"
    }
    shown = replace_columns(table, texts).rename(columns=lambda name: escape_controls(str(name)))
    return shown.to_csv(index=False, float_format=float_format, lineterminator="\n")


@contextmanager
def of_table(where: str) -> Iterator[None]:
    """Name the table in what is wrong with its rows, where a command line has several."""
    try:
        yield
    except DataError as error:
        with named(error.where.replace(WHERE, where)):
            raise
