"""Alters tables as people and programs do, and counts which are read right, refused or read wrong.

    python -m benchmarks.altered_tables [--draws 3] [--only KIND]

Each kind of alteration meets a table of features with one row a patient, one with two, one of
times to an event, and one of images, at places drawn anew each time. What `skiagram check` makes
of the table is compared with what was written down before the alteration: every value, class and
patient. A table is

- right: every row and column came in with its value;
- told: a column, a row or a cell did not come in, and the text of `check` says so;
- refused: the command names what is wrong, and nothing can be run;
- wrong: a value, a class or a patient is another one, and nothing says so.
"""

import argparse
import contextlib
import csv
import gzip
import io
import json
import math
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from skiagram.cli import check
from skiagram.cli.file_arguments import add_file_arguments, read_file_options
from skiagram.errors import SkiagramError
from skiagram.intake.tables import describe_table
from skiagram.steps.check import check_table

Cells = list[list[str]]
FEATURES = ("original_firstorder_Mean", "original_glcm_Contrast", "original_shape_Sphericity")
FEATURES += ("original_firstorder_Skewness", "log_volume", "entropy")
KINDS = ("one", "two", "times", "images")
_ROWS = 40


@dataclass
class Table:
    """A table before it is written.

    Attributes:
        cells: The header and the rows.
        arguments: Of the line, after the table.
        numbers: Columns of numbers that a model reads.
        folder: Of the images; empty for features.
        meant: What each number of each row means, (rows, numbers); NaN where it is unknown.
    """

    cells: Cells
    arguments: list[str]
    numbers: tuple[str, ...]
    meant: NDArray[np.float64]
    folder: str = ""
    separator: str = ","
    line_end: str = "\n"
    encoding: str = "utf-8"
    before: str = ""
    after: str = ""
    packed: bool = False
    quoting: Literal[0, 1, 3] = csv.QUOTE_MINIMAL
    name: str = "table.csv"

    def content(self) -> bytes:
        """Return the bytes of the file."""
        text = io.StringIO()
        mark = None if self.quoting == csv.QUOTE_NONE else '"'
        writer = csv.writer(
            text,
            delimiter=self.separator,
            lineterminator=self.line_end,
            quoting=self.quoting,
            quotechar=mark,
        )
        writer.writerows(self.cells)
        whole = (self.before + text.getvalue() + self.after).encode(self.encoding)
        return gzip.compress(whole, mtime=0) if self.packed else whole

    def column(self, name: str) -> int:
        """Return the place of a column."""
        return self.cells[0].index(name)

    def row(self, draw: random.Random) -> list[str]:
        """Return a row that is drawn."""
        return self.cells[draw.randrange(1, len(self.cells))]


def base(kind: str, draw: random.Random, folder: Path) -> Table:
    """Return an unaltered table: `one` or `two` rows a patient, `times`, or `images`."""
    # The patients, their classes, and numbers as radiomics has them.
    generator = np.random.default_rng(draw.randrange(10**6))
    values = generator.normal(size=(_ROWS, len(FEATURES))) * [300, 40, 0.1, 1, 2, 5]
    values = values.round(4)
    patients = [f"P{at // (1 + (kind == 'two')):03d}" for at in range(_ROWS)]
    classes = ["yes" if int(patient[1:]) % 3 == 0 else "no" for patient in patients]
    by_class = ["--positive", "yes"]
    if kind != "images":
        header = ["patient_id", "label", *FEATURES]
        rows = [[patients[at], classes[at], *map(str, values[at])] for at in range(_ROWS)]
        if kind != "times":
            return Table([header, *rows], by_class, FEATURES, values)
        # A time and whether there was an event, in place of the class.
        header[1:2] = ["days", "dead"]
        for at, row in enumerate(rows):
            row[1:2] = [f"{1 + generator.exponential(800):.0f}", str(at % 2)]
        return Table([header, *rows], ["--time", "days", "--event", "dead"], FEATURES, values)
    # Images, with what is known besides.
    header = ["file", "label", "patient_id", "site", "age"]
    ages = 40.0 + np.arange(_ROWS) % 31
    rows = [
        [f"image{at}.png", classes[at], patients[at], f"site {at % 2}", str(ages[at])]
        for at in range(_ROWS)
    ]
    images = folder / "images"
    images.mkdir(exist_ok=True)
    for at in range(_ROWS):
        pixels = generator.integers(0, 255, (24, 24), dtype=np.uint8)
        Image.fromarray(pixels).save(images / f"image{at}.png")
    arguments = [*by_class, "--covariates", "age"]
    return Table([header, *rows], arguments, ("age",), ages[:, None], str(images))


Alteration = Callable[[Table, random.Random], None]
ALTERATIONS: dict[str, Alteration] = {}

# What a cell of a number holds → what it means: a number, NaN for nothing, None for what nobody
# can know. `{}` is the number that stood there.
CELLS: dict[str, float | str | None] = {
    **dict.fromkeys(("", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "None", "-"), math.nan),
    **dict.fromkeys((".", "?", "missing", "unknown", "#N/A", "#DIV/0!", "#NV", "  "), math.nan),
    **dict.fromkeys(("not available", "k.A.", "inf", "-inf"), math.nan),
    **dict.fromkeys(("{} mm", "~{}", "<{}", "{}*", "{} ", " {}", "'{}", "{},", "{};"), "{}"),
    **{"1,234.5": 1234.5, "1 234": 1234, "1'234": 1234, "1.234,5": 1234.5, "12,5": 12.5},
    **{"１２": 12, "−5": -5, "+5": 5, "1e3": 1000, "1/2": 0.5, "5E-01": 0.5, "1_000": 1000},
    **dict.fromkeys(("0x1F", "1e400", "5e", "50%", "ten", "2020-01-01", "True", "1.2.3"), None),
    **dict.fromkeys(("1;2", "1|2", "--5", "(5)"), None),
}


def alteration(function: Alteration) -> Alteration:
    """Keep an alteration under its name."""
    ALTERATIONS[function.__name__.replace("_", " ")] = function
    return function


def _alter_cell(text: str, meaning: float | str | None) -> None:
    """Add the alteration that puts a text in the place of a number."""

    def put(table: Table, draw: random.Random) -> None:
        row, at = draw.randrange(_ROWS), draw.randrange(len(table.numbers))
        cells, column = table.cells[row + 1], table.column(table.numbers[at])
        cells[column] = text.format(cells[column])
        if meaning is None:
            table.meant[row, at] = math.inf  # which no cell may give
        elif not isinstance(meaning, str):
            table.meant[row, at] = meaning

    ALTERATIONS[f"the cell `{text}`"] = put


for _text, _meaning in CELLS.items():
    _alter_cell(_text, _meaning)


@alteration
def a_cell_less(table: Table, draw: random.Random) -> None:
    """Take a cell out of a row."""
    row = table.row(draw)
    del row[draw.randrange(len(row))]


@alteration
def a_cell_more(table: Table, draw: random.Random) -> None:
    """Put a further cell into a row."""
    row = table.row(draw)
    row.insert(draw.randrange(len(row) + 1), "7")


@alteration
def the_line_cut(table: Table, draw: random.Random) -> None:
    """End the file within its last row."""
    table.cells[-1] = table.cells[-1][: draw.randrange(1, len(table.cells[-1]))]


@alteration
def a_blank_line(table: Table, draw: random.Random) -> None:
    """Put an empty line between two rows."""
    table.cells.insert(draw.randrange(2, 41), [])


@alteration
def blank_lines_at_the_end(table: Table, draw: random.Random) -> None:
    """Let the file end with empty lines."""
    table.after = "\n" * draw.randrange(1, 5)


@alteration
def separators_alone_at_the_end(table: Table, draw: random.Random) -> None:
    """Let the file end with rows of separators, as spreadsheets do."""
    table.cells += [[""] * len(table.cells[0])] * draw.randrange(1, 5)


@alteration
def an_empty_column(table: Table, _: random.Random) -> None:
    """End each row with a separator."""
    for row in table.cells:
        row.append("")


@alteration
def a_row_twice(table: Table, draw: random.Random) -> None:
    """Repeat a row."""
    table.cells.append(list(table.row(draw)))


@alteration
def the_header_twice(table: Table, draw: random.Random) -> None:
    """Repeat the header among the rows."""
    table.cells.insert(draw.randrange(1, 41), list(table.cells[0]))


@alteration
def no_header(table: Table, _: random.Random) -> None:
    """Leave the header out."""
    del table.cells[0]


@alteration
def a_title_above(table: Table, draw: random.Random) -> None:
    """Write a title before the header."""
    table.before = draw.choice(["Table 1\n", "Export of 12 March\n\n", "# features\n"])


@alteration
def units_below_the_header(table: Table, _: random.Random) -> None:
    """Write a row of units below the header."""
    table.cells.insert(1, [""] * (len(table.cells[0]) - 1) + ["mm"])


@alteration
def a_row_of_sums(table: Table, draw: random.Random) -> None:
    """Write the means of the columns below the rows."""
    word = draw.choice(["Mean", "Total", "Average"])
    table.cells.append([word, *["12.5"] * (len(table.cells[0]) - 1)])


@alteration
def a_column_of_row_numbers(table: Table, draw: random.Random) -> None:
    """Begin each row with its number, as pandas and R do."""
    name = draw.choice(["", "Unnamed: 0", "X", "index"])
    table.cells = [[name if at == 0 else str(at - 1), *row] for at, row in enumerate(table.cells)]


@alteration
def a_name_of_a_column_twice(table: Table, draw: random.Random) -> None:
    """Give two columns one name."""
    header = table.cells[0]
    header[header.index(table.numbers[-1])] = draw.choice(header)


@alteration
def a_column_without_a_name(table: Table, draw: random.Random) -> None:
    """Leave the name of a column empty."""
    table.cells[0][table.column(draw.choice(table.numbers))] = ""


@alteration
def blanks_around_names(table: Table, _: random.Random) -> None:
    """Put blanks around the names of columns."""
    table.cells[0] = [f" {name} " for name in table.cells[0]]


@alteration
def names_in_capitals(table: Table, _: random.Random) -> None:
    """Write the names of the patients' and the classes' columns in capitals."""
    table.cells[0] = [
        name.upper() if name in ("patient_id", "label") else name for name in table.cells[0]
    ]


@alteration
def blanks_around_cells(table: Table, _: random.Random) -> None:
    """Write a blank after each separator."""
    table.cells[1:] = [[row[0], *(f" {cell}" for cell in row[1:])] for row in table.cells[1:]]


@alteration
def decimal_commas(table: Table, _: random.Random) -> None:
    """Write semicolons and decimal commas."""
    table.separator = ";"
    for row in table.cells[1:]:
        row[:] = [cell.replace(".", ",") for cell in row]


@alteration
def decimal_commas_in_quotes(table: Table, draw: random.Random) -> None:
    """Write decimal commas in one column, in quotes."""
    column = table.column(draw.choice(table.numbers))
    for row in table.cells[1:]:
        row[column] = row[column].replace(".", ",")


@alteration
def thousands_marks(table: Table, draw: random.Random) -> None:
    """Write numbers of a column with a mark between thousands."""
    column, mark = table.column(table.numbers[-1]), draw.choice([",", " ", "'"])
    table.meant[:, -1] = (table.meant[:, -1] * 1000).round()
    for row, number in zip(table.cells[1:], table.meant[:, -1], strict=True):
        row[column] = f"{number:,.0f}".replace(",", mark)


@alteration
def tabs(table: Table, draw: random.Random) -> None:
    """Separate cells by tabs."""
    table.separator, table.name = "\t", draw.choice(["table.tsv", "table.csv", "table.txt"])


@alteration
def bars(table: Table, _: random.Random) -> None:
    """Separate cells by bars."""
    table.separator = "|"


@alteration
def the_separator_named(table: Table, draw: random.Random) -> None:
    """Name the separator in the first line, as for Excel."""
    table.separator = draw.choice(",;")
    table.before = f"sep={table.separator}\n"


@alteration
def line_ends_of_windows(table: Table, _: random.Random) -> None:
    """End lines as Windows does."""
    table.line_end = "\r\n"


@alteration
def line_ends_of_old_macs(table: Table, _: random.Random) -> None:
    """End lines with carriage returns."""
    table.line_end = "\r"


@alteration
def everything_in_quotes(table: Table, _: random.Random) -> None:
    """Quote each cell."""
    table.quoting = csv.QUOTE_ALL


@alteration
def another_encoding(table: Table, draw: random.Random) -> None:
    """Write another encoding, with a letter that is not of ASCII."""
    table.encoding = draw.choice(["utf-8-sig", "utf-16", "latin-1", "cp1252", "utf-16-le"])
    table.cells[0].append("Größe")
    for row in table.cells[1:]:
        row.append("groß")


@alteration
def compressed(table: Table, draw: random.Random) -> None:
    """Compress the table, with the right name or without it."""
    table.packed, table.name = True, draw.choice(["table.csv.gz", "table.csv"])


@alteration
def a_quote_alone(table: Table, draw: random.Random) -> None:
    """Open a quotation that nothing closes."""
    table.quoting = csv.QUOTE_NONE
    row = table.row(draw)
    row[-1] = f'"{row[-1]}'


@alteration
def a_null_byte(table: Table, draw: random.Random) -> None:
    """Put a byte of zeros into a cell."""
    row = table.row(draw)
    row[-1] += "\0"


@alteration
def a_class_in_other_spellings(table: Table, draw: random.Random) -> None:
    """Write a class in capitals, or with a blank, in some rows."""
    if "label" in table.cells[0]:
        column = table.column("label")
        for row in table.cells[1::4]:
            row[column] = draw.choice([str.upper, str.title, lambda cell: cell + " "])(row[column])


@alteration
def a_class_missing(table: Table, draw: random.Random) -> None:
    """Leave the class of a row out."""
    name = "label" if "label" in table.cells[0] else "dead"
    table.row(draw)[table.column(name)] = draw.choice(["", "NA", "unknown", "-"])


@alteration
def a_patient_missing(table: Table, draw: random.Random) -> None:
    """Leave the patient of a row out."""
    row = table.row(draw)
    row[table.column("patient_id")] = draw.choice(["", "NA", "unknown", "-1", "ANONYMOUS"])


@alteration
def patients_as_numbers(table: Table, _: random.Random) -> None:
    """Write the patients as numbers with a decimal, as pandas does."""
    column = table.column("patient_id")
    for row in table.cells[1:]:
        row[column] = f"{int(row[column][1:]) + 1000}.0"


@alteration
def a_patient_in_other_spellings(table: Table, draw: random.Random) -> None:
    """Write a patient in small letters, or with blanks."""
    row = table.row(draw)
    column = table.column("patient_id")
    row[column] = draw.choice([row[column].lower(), f" {row[column]}", f"{row[column]} "])


@alteration
def a_constant_column(table: Table, _: random.Random) -> None:
    """Give a column one value."""
    column = table.column(table.numbers[-1])
    table.meant[:, -1] = 1
    for row in table.cells[1:]:
        row[column] = "1"


@alteration
def a_code_for_missing(table: Table, draw: random.Random) -> None:
    """Mark missing values by -999."""
    column = table.column(table.numbers[-1])
    for at in draw.sample(range(_ROWS), 4):
        table.cells[at + 1][column], table.meant[at, -1] = "-999", math.nan


@alteration
def as_JSON(table: Table, _: random.Random) -> None:  # noqa: N802 - the format's name
    """Write records as JSON under the name of a CSV."""
    header, *rows = table.cells
    table.cells = []
    table.before = json.dumps([dict(zip(header, row, strict=True)) for row in rows])


@alteration
def as_a_web_page(table: Table, _: random.Random) -> None:
    """Write a page of HTML under the name of a CSV."""
    header, *rows = table.cells
    table.cells, table.before = [], pd.DataFrame(rows, columns=header).to_html()


@dataclass
class Read:
    """What came in of a table: patient, class or time, and the numbers of each row.

    Attributes:
        text: What `check` prints.
        problems: What would stop a run.
    """

    text: str
    problems: list[str] = field(default_factory=list)
    patients: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    columns: tuple[str, ...] = ()
    numbers: list[tuple[float, ...]] = field(default_factory=list)


def read(table: Table, folder: Path) -> Read:
    """Return what `skiagram check` makes of a table."""
    path = folder / table.name
    path.write_bytes(table.content())
    parser = argparse.ArgumentParser()
    add_file_arguments(parser)
    places = [table.folder, str(path)] if table.folder else [str(path)]
    arguments = parser.parse_args([*places, *table.arguments])
    # What a user sees, then what the stages would read.
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        code = check.run(arguments)
    described = describe_table(read_file_options(arguments))
    checked = check_table(described.source, described.frame, described.options)
    problems = [str(each) for each in checked.problems]
    if code or problems:
        return Read(text.getvalue(), problems or ["the audit stops"])
    columns, classes = checked.source.columns, checked.source.classes
    result = Read(text.getvalue(), columns=columns.features or columns.covariates)
    entries = checked.opened.entries
    result.patients = [patient or "" for patient in entries["patient"]]
    values = zip(entries["label"], entries["value"], strict=True)
    result.said = [classes[label] if math.isnan(value) else f"{value:g}" for label, value in values]
    known = checked.opened.known["measured" if columns.features else "covariates"]
    for cells in known.itertuples(index=False):
        result.numbers.append(tuple(float("nan" if cell in ("", None) else cell) for cell in cells))
    return result


def judge(table: Table, unaltered: Cells, found: Read) -> str:
    """Return `right`, `told` or `refused`, or what is wrong."""
    if found.problems:
        return "refused"
    # Rows, and whose they are.
    patients, said = ([row[at] for row in unaltered[1:]] for at in _identity(unaltered[0]))
    if len(found.patients) != len(patients):
        return f"wrong: {len(found.patients)} rows of {len(patients)}"
    pairs = set(zip(patients, found.patients, strict=True))
    if len(pairs) != len({*patients}) or len(pairs) != len({*found.patients}):
        return "wrong: patients"
    if [cell.casefold().strip() for cell in found.said] != said:
        return "wrong: classes or times"
    # Columns that stayed behind, and cells that count as empty.
    left_out = [name for name in table.numbers if name not in found.columns]
    told = all(name in found.text for name in left_out) or "without a name" in found.text
    if not told or len(left_out) > 1:
        return f"wrong: without {left_out}"
    kept = [at for at, name in enumerate(table.numbers) if name in found.columns]
    order = [found.columns.index(table.numbers[at]) for at in kept]
    numbers, meant = np.array(found.numbers)[:, order], table.meant[:, kept]
    unlike = ~np.isclose(numbers, meant, rtol=1e-6, equal_nan=True)
    says_so = "empty" in found.text and np.isnan(numbers[unlike]).all()
    says_so = says_so or ("--missing" in found.text and np.isnan(meant[unlike]).all())
    if unlike.any() and not says_so:
        return f"wrong: {numbers[unlike][:3]} for {meant[unlike][:3]}"
    return "told" if left_out or unlike.any() else "right"


def _identity(header: Sequence[str]) -> tuple[int, int]:
    """Return the columns of the patient, and of the class or time."""
    return header.index("patient_id"), header.index("days" if "days" in header else "label")


def try_table(name: str, kind: str, number: int, folder: Path) -> str:
    """Alter a table, read it, and return what became of it."""
    draw = random.Random(f"{name} {kind} {number}")
    table = base(kind, draw, folder)
    unaltered = [[*row] for row in table.cells]
    for earlier in folder.glob("table.*"):
        earlier.unlink()
    ALTERATIONS[name](table, draw)
    try:
        return judge(table, unaltered, read(table, folder))
    except SkiagramError:
        return "refused"
    except Exception as error:
        return f"wrong: {type(error).__name__}: {error}"


def main() -> int:
    """Print what became of the tables of each alteration; return 1 where one was read wrong."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--draws", type=int, default=3, help="tables of each kind")
    parser.add_argument("--only", default="", help="a part of the names of alterations")
    options = parser.parse_args()
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["alteration", "tables", "right", "told", "refused", "wrong"])
    total: Counter[str] = Counter()
    for name in (name for name in ALTERATIONS if options.only in name):
        counted: Counter[str] = Counter()
        for kind in KINDS:
            for number in range(options.draws):
                with tempfile.TemporaryDirectory() as folder:
                    outcome = try_table(name, kind, number, Path(folder))
                word, _, why = outcome.partition(": ")
                counted[word] += 1
                if why:
                    print(f"{name}, {kind} {number}: {why}", file=sys.stderr)
        total.update(counted)
        row = [counted[word] for word in ("right", "told", "refused", "wrong")]
        writer.writerow([name, counted.total(), *row])
    row = [total[word] for word in ("right", "told", "refused", "wrong")]
    writer.writerow(["all", total.total(), *row])
    return int(total["wrong"] > 0)


if __name__ == "__main__":
    sys.exit(main())
