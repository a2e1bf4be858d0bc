"""The rows of a CSV as spreadsheets save it: its encoding, separator, header and cells."""

import codecs
import csv
import gzip
import json
import math
import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BytesIO, StringIO
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from skiagram.errors import DataError, OptionError, escape_controls, listed, named, nearest
from skiagram.readers.files import read_file

if TYPE_CHECKING:
    import pandas as pd

WHERE = "the CSV"
BETWEEN = "; "  # several names in one cell
FILE_COLUMNS = ("file", "filename", "image", "image_id", "path", "image_path")
PATIENT_COLUMNS = ("patient", "patient_id", "subject_id", "subject", "case_id")  # also `PatientID`
_OTHERS = "split site marks visit mask region label_value frame modality"
# what a column holds → its usual names
USUAL_COLUMNS = {"patient": PATIENT_COLUMNS, **{name: (name,) for name in _OTHERS.split()}}
_MAX_COLUMNS = 50_000
_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}
_SEPARATOR_HINT = re.compile(r"sep=([,;\t])\r?\n")  # a first line that Excel understands
_FIRST_ROWS = 100  # that tell the separator
_COMMA_OR_WHOLE = re.compile(r"[+-]?\d+(,\d+)?([eE][+-]?\d+)?")
_DECIMAL_POINT = re.compile(r"[+-]?\d*\.\d+([eE][+-]?\d+)?")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+")  # 1,234 may be either number
_NOT_KNOWN = {"", "NA", "NaN"}  # as R writes it
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # of Excel, now and before 2007
_GZIP = b"\x1f\x8b"
_MOST_UNPACKED = 2**29
_QUOTED = re.compile(r'"[^"]*"')


@dataclass(frozen=True)
class CsvRow:
    """One row of a table: column name → cell without blanks around it.

    Attributes:
        case: Whose image it is, where the names of files gave the row and no table has its line.
    """

    line: int
    cells: dict[str, str]
    case: str = ""

    @property
    def where(self) -> str:
        return f"{self.case}, {self.place}" if self.case else f"{WHERE}, {self.place}"

    @property
    def key(self) -> str:
        """What rows of one case share: its name, or the line of the only one."""
        return self.case or str(self.line)

    @property
    def place(self) -> str:
        """What finds the row: its line, or its file where the names of files gave it."""
        return f"file {self.cells['file']}" if self.case else f"line {self.line}"

    def number(self, column: str) -> float | None:
        """Return the finite number that a cell says; None of any other."""
        try:
            number = parse_number(self.cells[column])
        except ValueError:
            return None
        return number if math.isfinite(number) else None


def count_rows(rows: Iterable[CsvRow]) -> int:
    """Return how many rows there are; of a table made of names of files, how many cases.

    Such a table has a row for each modality of a case.
    """
    return len({row.key for row in rows})


def read_rows(
    content: bytes,
    missing: Collection[str] = (),
    files: Collection[str] = ("file", "mask"),
    columns: Sequence[str] | None = None,
    emptied: Counter[str] | None = None,
) -> list[CsvRow]:
    """Read a table with a header, as a spreadsheet saves it; rows without any cell are left out.

    A table of pandas may have several rows of a header; the last name of each column counts. Empty
    lines above the header are left out, and an empty cell that every row has at its end.

    Args:
        content: The whole file, also packed by gzip: UTF-8, or UTF-16 with its mark; columns are
            separated by commas,
            semicolons or tabs, whichever the header has, or by blanks. Decimal commas beside
            other separators become points, unless a cell of the table contradicts them.
        missing: Cells that stand for an empty one; those that are numbers as numbers: `-9999` is
            also `-9999.0`.
        files: Columns of file names, which are spelled as on the disk; other cells become NFC.
        columns: Names of the columns of a table without a header. Where blanks separate its cells,
            short rows end with empty ones.
        emptied: To which is added how many cells each of `missing` matched.
    """
    lines, table = _read_columns(content, missing, files, columns, emptied)
    cells = zip(*table.values(), strict=True)
    return [
        CsvRow(line, dict(zip(table, row, strict=True)))
        for line, row in zip(lines, cells, strict=True)
    ]


def _read_columns(
    content: bytes,
    missing: Collection[str],
    files: Collection[str],
    columns: Sequence[str] | None,
    emptied: Counter[str] | None,
) -> tuple[list[int], dict[str, list[str]]]:
    """Return the line of each row, and name → cells of each column; see `read_rows`."""
    header, numbered, separator = _read_lines(content, columns)
    _check_table(header, numbered)
    # Column by column, as most tables are long: rows of texts take several times the memory.
    lines = [line for line, _ in numbered]
    table = {name: [cells[at] for _, cells in numbered] for at, name in enumerate(header)}
    del numbered
    # words that stand for an empty cell, and those of them that say a number
    numbers: dict[float, str] = {}
    for word in missing:
        with suppress(ValueError):
            numbers.setdefault(parse_number(word), word)
    for name, cells in table.items():
        # such cells become empty, and are counted
        for at, cell in enumerate(cells if missing else ()):
            found = cell if cell in missing else None
            if found is None and numbers and (cell[-1:].isdigit() or cell.endswith(".")):
                with suppress(ValueError):
                    found = numbers.get(parse_number(cell))
            if found is not None:
                cells[at] = ""
                if emptied is not None:
                    emptied[found] += 1
        if name not in files:
            table[name] = [unicodedata.normalize("NFC", cell) for cell in cells]
    if separator == ",":
        return lines, table
    # points for decimal commas, where every cell of the table agrees with these
    known_cells = {name: {*cells} - _NOT_KNOWN for name, cells in table.items()}
    with_comma = [
        name
        for name, values in known_cells.items()
        if all(map(_COMMA_OR_WHOLE.fullmatch, values)) and any("," in cell for cell in values)
    ]
    written = {cell for name in with_comma for cell in known_cells[name] if "," in cell}
    with_point = any(map(_DECIMAL_POINT.fullmatch, set().union(*known_cells.values())))
    if not with_point and not all(map(_THOUSANDS.fullmatch, written)):
        for name in with_comma:
            table[name] = [cell.replace(",", ".") for cell in table[name]]
    return lines, table


def _read_lines(
    content: bytes, columns: Sequence[str] | None
) -> tuple[list[str], list[tuple[int, list[str]]], str]:
    """Return the header of a table, the line and the cells of each row, and what separates them."""
    text = _decode(content)
    hint = _SEPARATOR_HINT.match(text)
    separator = hint[1] if hint else _find_separator(text.lstrip("\r\n"), columns)
    if separator == " ":
        text = _single_blanks(text)
    reader = csv.reader(StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        if hint:
            next(reader)
        header = [*columns] if columns else next(filter(any, map(_stripped, reader)), [])
        if not columns and header[:1] == [""] and len(set(header)) < len(header):
            # pandas writes a row for each level of a header, then the index's name
            last = header
            for cells in map(_stripped, reader):
                if not any(cells[1:]):
                    header = [cells[0], *last[1:]]
                    break
                last = cells
        numbered = [(reader.line_num, cells) for cells in map(_stripped, reader) if any(cells)]
    except csv.Error as error:
        raise DataError(
            f"a cell cannot be read ({error})",
            where=f"{WHERE}, line {reader.line_num}",
            allowed=f"cells of at most {csv.field_size_limit():,} characters",
            remedy="look for a quotation mark that nothing closes, or shorten the cell",
        ) from error
    if columns and separator == " ":
        numbered = _filled(numbered, len(columns))
    return *_settle_ends(header, numbered, separator), separator


def _filled(rows: list[tuple[int, list[str]]], width: int) -> list[tuple[int, list[str]]]:
    """Return rows separated by blanks, the short ones of unequal ones with empty cells at the end.

    Args:
        width: Columns that the user names; the longest row must have as many cells.
    """
    lengths = {len(cells) for _, cells in rows}
    if len(lengths) < 2:
        return rows
    if max(lengths) != width:
        longest = next(line for line, cells in rows if len(cells) == max(lengths))
        raise DataError(
            f"rows separated by blanks have {min(lengths)} to {max(lengths)} cells",
            where=f"{WHERE}, line {longest}",
            allowed=f"{width} cells in the longest row, one for each of the names that are given",
            remedy="name as many columns as the longest row has (shorter rows end with empty "
            "cells), or put cells that hold a blank in quotation marks",
        )
    return [(line, cells + [""] * (width - len(cells))) for line, cells in rows]


def _check_table(header: list[str], numbered: list[tuple[int, list[str]]]) -> None:
    """Refuse a header without one reading, and rows that do not have its cells."""
    nameless = header.count("")
    twice = "".join(sorted(n for n, count in Counter(header).items() if n and count > 1)[:1])
    bars = len(header) == 1 and "|" in header[0]
    marks = "columns separated by commas, semicolons or tabs"
    rules = (
        (bars, f"the header `{''.join(header[:1])}` has no separator", marks),
        (len(header) > _MAX_COLUMNS, f"{len(header):,} columns", f"at most {_MAX_COLUMNS:,}"),
        (nameless > 1, f"{nameless} columns without a name", "a name for each column but one"),
        (twice, f"two columns are called `{twice}`", "each name once"),
    )
    for wrong, fault, allowed in rules:
        if wrong:
            remedy = "correct the header, which is the first line, below no title of the table"
            raise DataError(fault, where=WHERE, allowed=allowed, remedy=remedy)
    for line, cells in numbered:
        if len(cells) != len(header):
            raise DataError(
                f"{len(cells)} cells",
                where=f"{WHERE}, line {line}",
                allowed=f"{len(header)}, one per column of the header `{header[0]}` …",
                remedy="put cells that hold the separator in quotation marks, and remove lines "
                "above the header, such as a title",
            )
    if not numbered:
        raise DataError("no rows", where=WHERE, allowed="a header and one row per file")


def describe_missing(missing: Collection[str], emptied: Mapping[str, int]) -> list[str]:
    """Return sentences on how many cells each word for a missing one matched, and which none."""
    found = [f"`{word}` {emptied[word]}" for word in missing if emptied.get(word)]
    nothing = [f"`{word}`" for word in missing if not emptied.get(word)]
    notes = [f"Cells that count as empty (--missing): {', '.join(found)}."] if found else []
    if nothing:
        words = ", ".join(nothing)
        notes.append(f"--missing: no cell is {words}; look how the table writes what is missing.")
    return notes


def _settle_ends(
    header: list[str], rows: list[tuple[int, list[str]]], separator: str
) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Return header and rows without what programs add to the ends of lines."""
    width = len(header)
    # a last cell that is empty in all rows and has no column
    if all(len(cells) == width + 1 and not cells[-1] for _, cells in rows):
        rows = [(line, cells[:-1]) for line, cells in rows]
    # R writes names of rows, and no name for their column, which comes first
    named = all(len(cells) == width + 1 and cells[-1] for _, cells in rows)
    if rows and named and separator in " \t":
        header = ["", *header]
    # columns without a name and a cell, as Excel leaves them at the end
    width = used = len(header)
    while (
        used > 1 and not header[used - 1] and not any(any(cells[used - 1 :]) for _, cells in rows)
    ):
        used -= 1
    if used == width:
        return header, rows
    return header[:used], [(line, cells[:used] + cells[width:]) for line, cells in rows]


def _stripped(cells: Iterable[str]) -> list[str]:
    return [cell.strip() for cell in cells]


def read_csv(
    path: Path,
    missing: Collection[str] = (),
    files: Collection[str] = ("file", "mask"),
    columns: Sequence[str] | None = None,
    emptied: Counter[str] | None = None,
) -> list[CsvRow]:
    """Read a table from a file, as `read_rows` does."""
    return read_rows(read_file(path, str(path)), missing, files, columns, emptied)


def read_columns(path: Path) -> dict[str, list[str]]:
    """Read a table from a file as `read_rows` does; name → its cells, of which none is a file."""
    return _read_columns(read_file(path, str(path)), (), (), None, None)[1]


def csv_text(columns: Iterable[str], rows: Iterable[Mapping[str, str]]) -> str:
    """Return some cells of rows as CSV; a row may have more."""
    text = StringIO(newline="")
    writer = csv.DictWriter(text, [*columns], lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


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


def inert_text(table: "pd.DataFrame", float_format: str | None = None) -> str:
    """Return a table as CSV, in which no spreadsheet or terminal obeys a text."""
    texts = {
        name: [inert(cell) if isinstance(cell, str) else cell for cell in table[name]]
        for name in table.columns
        if table[name].dtype.kind not in "biuf"
    }
    shown = table.assign(**texts).rename(columns=lambda name: escape_controls(str(name)))
    text: str = shown.to_csv(index=False, float_format=float_format, lineterminator="\n")
    return text


@contextmanager
def of_table(where: str) -> Iterator[None]:
    """Name the table in what is wrong with its rows, where a command line has several."""
    try:
        yield
    except DataError as error:
        with named(error.where.replace(WHERE, where)):
            raise


def _decode(content: bytes) -> str:
    """Return the text of a table, which gzip may have packed."""
    if content.startswith(_GZIP):
        try:
            with gzip.GzipFile(fileobj=BytesIO(content)) as file:
                content = file.read(_MOST_UNPACKED + 1)
        except (OSError, EOFError, zlib.error) as error:
            fault = f"gzip cannot unpack it ({error})"
            remedy = "it was cut or damaged: copy or load it again"
            raise DataError(fault, where=WHERE, remedy=remedy) from error
        if len(content) > _MOST_UNPACKED:
            allowed = f"at most {_MOST_UNPACKED:,} bytes when unpacked"
            raise DataError("too large a table", where=WHERE, allowed=allowed, remedy="cut it")
    utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        with suppress(ValueError, RecursionError):
            json.loads(content)
            remedy = "save it as CSV, a row a case, for example with pandas: "
            remedy += "`pandas.read_json('table.json').to_csv('table.csv', index=False)`"
            raise DataError("JSON, and no table", where=WHERE, allowed="CSV", remedy=remedy)
    try:
        text = content.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        if content.startswith(_WORKBOOKS):
            fault, remedy = "a workbook or an archive, and no text", "save the sheet as `CSV UTF-8`"
            raise DataError(fault, where=WHERE, remedy=remedy) from error
        line = content[: error.start].count(b"\n") + 1
        raise DataError(
            f"line {line} is not {'UTF-16' if utf16 else 'UTF-8'}",
            where=WHERE,
            remedy="save the table as `CSV UTF-8`; or convert it: `iconv -f WINDOWS-1252 -t UTF-8 "
            "old.csv > new.csv`, where Excel in Western Europe or America wrote it",
        ) from error
    if "\0" in text.partition("\n")[0]:
        raise DataError(
            "the header holds NUL characters: UTF-16 without its mark, UTF-32, or no text",
            where=WHERE,
            remedy="save the table as `CSV UTF-8`",
        )
    return text.lstrip("\ufeff")


def _find_separator(text: str, columns: Sequence[str] | None) -> str:
    """Return the mark by which the first rows have as many cells as the header, two at least.

    Blanks also separate rows of unequal length where the user names several columns and the text
    has no other mark.
    """
    header = _QUOTED.sub("", text.partition("\n")[0])
    marks = [mark for mark in _SEPARATORS if mark in header]
    if len(marks) > 1:
        marks = [mark for mark in marks if _is_regular(text, mark)] or marks[:1]
    if len(marks) > 1:
        names = " or ".join(_SEPARATORS[mark] for mark in marks)
        raise DataError(
            f"columns may be separated by {names}",
            where=WHERE,
            allowed="one separator of columns",
            remedy="put cells that hold the other one in quotation marks",
        )
    first = text.partition("\n")[0].strip()
    if not marks and " " in first and _is_regular(_single_blanks(text), " "):
        return " "
    if columns and len(columns) > 1 and not any(mark in text for mark in _SEPARATORS):
        return " "
    return marks[0] if marks else ","


def _single_blanks(text: str) -> str:
    """Return a text with one blank for several, and none around its lines."""
    return "\n".join(" ".join(line.split()) for line in text.split("\n"))


def _is_regular(text: str, separator: str) -> bool:
    lines = csv.reader(StringIO(text, newline=""), delimiter=separator)
    try:
        cells = [len(line) for line in islice(lines, _FIRST_ROWS) if any(line)]
    except csv.Error:
        return False
    row_names = separator == " " and cells[:1] != cells[1:2]  # as R's write.table has them
    return len(set(cells[row_names:])) == 1 and cells[-1] > 1 + row_names


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


def require_columns(rows: list[CsvRow], named: Iterable[str], option: str = "") -> None:
    """Refuse a table that lacks a column.

    Args:
        option: Of the command, which names the columns; empty where a config does.

    Raises:
        OptionError: An option of the command names a column that is not there.
        DataError: A column that a config names is not there any more.
    """
    header = rows[0].cells
    for name in named:
        if name not in header:
            near, allowed = nearest(name, header), listed(header, "`", near=name)
            question = f"did you mean `{near[0]}`? Else " if near else ""
            remedy = f"{question}rename the column, or name the right one"
            if option:
                remedy += f": `{option} COLUMN`"
                fault = f"{WHERE} has no column `{name}`"
                raise OptionError(fault, where=option, allowed=allowed, remedy=remedy)
            raise DataError(f"no column `{name}`", where=WHERE, allowed=allowed, remedy=remedy)


def refuse_units(rows: list[CsvRow]) -> None:
    """Refuse a first row of texts in columns of numbers, which is no case, as of LIFEx.

    Raises:
        DataError: There is one, with texts in two columns or more.
    """
    first, *others = rows
    numeric = [
        name
        for name in first.cells
        if len(others) > 1 and all(says_number(row.cells[name]) for row in others)
    ]
    texts = [cell for name in numeric if (cell := first.cells[name])]
    if len(texts) > 1 and not any(map(says_number, texts)):
        raise DataError(
            f"{listed(texts, '`')} in columns of numbers, which look like units or a second header",
            where=first.where,
            allowed="one header, and a row for each case",
            remedy="remove this row",
        )


def says_number(cell: str) -> bool:
    """Return whether a cell is a number; `nan` and `inf` are."""
    try:
        parse_number(cell)
    except ValueError:
        return False
    return True


def parse_number(cell: str) -> float:
    """Return the number that a cell says; ValueError of a text, such as `12_1`."""
    if "_" in cell:  # a number to Python alone
        raise ValueError(cell)
    return float(cell)
