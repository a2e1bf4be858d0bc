"""Alters tables as people and programs do, and counts which are read right, refused or read wrong.

    python -m benchmarks.altered_tables [--draws 8] [--show KIND]

Each kind of alteration meets a table of features with one row a patient, one with two, one of
times to an event, and one of images, at places drawn anew each time. What `skiagram check` makes
of the table is compared with what was written down before the alteration: every value, class and
patient. A table is

- right: every row and column came in with its value;
- told: rows or columns did not come in, and the text of `check` names each;
- refused: the command names what is wrong, and nothing can be run;
- wrong: a value, a class or a patient is another one, and nothing says so.
"""

import argparse
import contextlib
import csv
import gzip
import io
import json
import random
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from skiagram.cli import check
from skiagram.cli.file_arguments import read_file_options
from skiagram.errors import SkiagramError
from skiagram.intake.tables import describe_table
from skiagram.steps.check import check_table

Cells = list[list[str]]
FEATURES = ("original_firstorder_Mean", "original_glcm_Contrast", "original_shape_Sphericity")
FEATURES += ("original_firstorder_Skewness", "log_volume", "entropy")


@dataclass
class Table:
    """A table before it is written.

    Attributes:
        cells: The header and the rows.
        arguments: Of the line, after the table.
        numbers: Columns of numbers.
        folder: Of the images; empty for features.
    """

    cells: Cells
    arguments: list[str]
    numbers: tuple[str, ...]
    folder: str = ""
    separator: str = ","
    line_end: str = "\n"
    encoding: str = "utf-8"
    before: str = ""
    after: str = ""
    packed: bool = False
    quoted: int = csv.QUOTE_MINIMAL
    name: str = "table.csv"

    def content(self) -> bytes:
        """Return the bytes of the file."""
        text = io.StringIO()
        writer = csv.writer(
            text, delimiter=self.separator, lineterminator=self.line_end, quoting=self.quoted
        )
        writer.writerows(self.cells)
        whole = (self.before + text.getvalue() + self.after).encode(self.encoding)
        return gzip.compress(whole, mtime=0) if self.packed else whole

    def column(self, name: str) -> int:
        """Return the place of a column."""
        return self.cells[0].index(name)


def base(kind: str, draw: random.Random, folder: Path) -> Table:
    """Return an unaltered table: `one` or `two` rows a patient, `times`, or `images`."""
    generator = np.random.default_rng(draw.randrange(10**6))
    count = 40
    values = generator.normal(size=(count, len(FEATURES))) * [300, 40, 0.1, 1, 2, 5]
    values[:, 2] = 0.5 + values[:, 2] ** 2
    patients = [f"P{at // (1 + (kind == 'two')):03d}" for at in range(count)]
    labels = ["yes" if int(patient[1:]) % 3 == 0 else "no" for patient in patients]
    if kind == "images":
        header = ["file", "label", "patient_id", "site", "age"]
        rows = [
            [f"image{at}.png", labels[at], patients[at], f"site {at % 2}", str(40 + at % 31)]
            for at in range(count)
        ]
        images = folder / "images"
        if not images.exists():
            images.mkdir()
            for at in range(count):
                pixels = generator.integers(0, 255, (24, 24), dtype=np.uint8)
                Image.fromarray(pixels).save(images / f"image{at}.png")
        arguments = ["--positive", "yes", "--covariates", "age"]
        return Table([header, *rows], arguments, ("age",), str(images))
    header = ["patient_id", "label", *FEATURES]
    rows = [
        [patients[at], labels[at], *(f"{value:.6g}" for value in values[at])]
        for at in range(count)
    ]
    if kind == "times":
        header[1:2] = ["days", "dead"]
        for at, row in enumerate(rows):
            row[1:2] = [f"{1 + generator.exponential(800):.0f}", str(at % 2)]
        numbers = ("days", *FEATURES)
        return Table([header, *rows], ["--time", "days", "--event", "dead"], numbers)
    return Table([header, *rows], ["--positive", "yes"], FEATURES)


# What is done to a table. Each returns nothing, or the rows that must come in where they change.
Alteration = Callable[[Table, random.Random], None]
ALTERATIONS: dict[str, Alteration] = {}


def alteration(function: Alteration) -> Alteration:
    """Keep an alteration under its name."""
    ALTERATIONS[function.__name__.replace("_", " ")] = function
    return function


def _set(names: Sequence[str]) -> None:
    """Add an alteration for each text that is put in the place of a number."""
    for name in names:

        def put(table: Table, draw: random.Random, text: str = name) -> None:
            row, column = draw.randrange(1, 41), table.column(draw.choice(table.numbers))
            table.cells[row][column] = text.format(table.cells[row][column])

        ALTERATIONS[f"cell {name!r}"] = put


WORDS_FOR_MISSING = ("", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "None", "-", ".", "?")
WORDS_FOR_MISSING += ("missing", "unknown", "#N/A", "#DIV/0!", "#NV", "not available", "k.A.", "  ")
OTHER_CELLS = ("{} mm", "~{}", "<{}", "{}*", "{} ", " {}", "+{}", "'{}", "{},", "{};", "1_000")
OTHER_CELLS += ("0x1F", "1e400", "inf", "-inf", "1,234.5", "1 234", "1'234", "1.234,5", "12,5", "１２")
OTHER_CELLS += ("−5", "5e", "1/2", "50%", "ten", "2020-01-01", "True", "1.2.3", "1;2", "1|2", "--5")
_set(WORDS_FOR_MISSING + OTHER_CELLS)


@alteration
def a_cell_less(table: Table, draw: random.Random) -> None:
    """Take a cell out of a row."""
    row = table.cells[draw.randrange(1, 41)]
    del row[draw.randrange(len(row))]


@alteration
def a_cell_more(table: Table, draw: random.Random) -> None:
    """Put a further cell into a row."""
    row = table.cells[draw.randrange(1, 41)]
    row.insert(draw.randrange(len(row) + 1), "7")


@alteration
def the_line_cut(table: Table, draw: random.Random) -> None:
    """End the file within its last row."""
    table.cells[-1] = table.cells[-1][: draw.randrange(1, len(table.cells[-1]))]
    table.line_end = "\n"


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
def an_empty_column(table: Table, draw: random.Random) -> None:
    """End each row with a separator."""
    for row in table.cells:
        row.append("")


@alteration
def a_row_twice(table: Table, draw: random.Random) -> None:
    """Repeat a row."""
    table.cells.insert(draw.randrange(1, 41), list(table.cells[draw.randrange(1, 41)]))


@alteration
def the_header_twice(table: Table, draw: random.Random) -> None:
    """Repeat the header among the rows."""
    table.cells.insert(draw.randrange(1, 41), list(table.cells[0]))


@alteration
def no_header(table: Table, draw: random.Random) -> None:
    """Leave the header out."""
    del table.cells[0]


@alteration
def a_title_above(table: Table, draw: random.Random) -> None:
    """Write a title before the header."""
    table.before = draw.choice(["Table 1\n", "Export of 12 March\n\n", "# features\n"])


@alteration
def units_below_the_header(table: Table, draw: random.Random) -> None:
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
def blanks_around_names(table: Table, draw: random.Random) -> None:
    """Put blanks around the names of columns."""
    table.cells[0] = [f" {name} " for name in table.cells[0]]


@alteration
def names_in_capitals(table: Table, draw: random.Random) -> None:
    """Write the names of the patients' and the classes' columns in capitals."""
    table.cells[0] = [
        name.upper() if name in ("patient_id", "label") else name for name in table.cells[0]
    ]


@alteration
def blanks_around_cells(table: Table, draw: random.Random) -> None:
    """Write a blank after each separator."""
    table.cells[1:] = [[row[0], *(f" {cell}" for cell in row[1:])] for row in table.cells[1:]]


@alteration
def decimal_commas(table: Table, draw: random.Random) -> None:
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
    column, mark = table.column(draw.choice(table.numbers)), draw.choice([",", " ", "'", "."])
    for row in table.cells[1:]:
        row[column] = f"{round(float(row[column]) * 1000):,}".replace(",", mark)


@alteration
def tabs(table: Table, draw: random.Random) -> None:
    """Separate cells by tabs."""
    table.separator, table.name = "\t", draw.choice(["table.tsv", "table.csv", "table.txt"])


@alteration
def bars(table: Table, draw: random.Random) -> None:
    """Separate cells by bars."""
    table.separator = "|"


@alteration
def the_separator_named(table: Table, draw: random.Random) -> None:
    """Name the separator in the first line, as for Excel."""
    table.separator = draw.choice(",;")
    table.before = f"sep={table.separator}\n"


@alteration
def line_ends_of_windows(table: Table, draw: random.Random) -> None:
    """End lines as Windows does."""
    table.line_end = "\r\n"


@alteration
def line_ends_of_old_macs(table: Table, draw: random.Random) -> None:
    """End lines with carriage returns."""
    table.line_end = "\r"


@alteration
def everything_in_quotes(table: Table, draw: random.Random) -> None:
    """Quote each cell."""
    table.quoted = csv.QUOTE_ALL


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
    table.quoted, table.separator = csv.QUOTE_NONE, ","
    row = draw.randrange(1, 30)
    table.after = '"'
    table.before = "" if row else '"'


@alteration
def a_null_byte(table: Table, draw: random.Random) -> None:
    """Put a byte of zeros into a cell."""
    row = table.cells[draw.randrange(1, 41)]
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
    table.cells[draw.randrange(1, 41)][table.column(name)] = draw.choice(["", "NA", "unknown", "-"])


@alteration
def a_patient_missing(table: Table, draw: random.Random) -> None:
    """Leave the patient of a row out."""
    row = table.cells[draw.randrange(1, 41)]
    row[table.column("patient_id")] = draw.choice(["", "NA", "unknown", "-1", "ANONYMOUS"])


@alteration
def patients_as_numbers(table: Table, draw: random.Random) -> None:
    """Write the patients as numbers with a decimal, as pandas does."""
    column = table.column("patient_id")
    for row in table.cells[1:]:
        row[column] = f"{int(row[column][1:]) + 1000}.0"


@alteration
def a_patient_in_other_spellings(table: Table, draw: random.Random) -> None:
    """Write a patient in small letters, or with blanks."""
    row = table.cells[draw.randrange(1, 41)]
    column = table.column("patient_id")
    row[column] = draw.choice([row[column].lower(), f" {row[column]}", f"{row[column]} "])


@alteration
def a_constant_column(table: Table, draw: random.Random) -> None:
    """Give a column one value."""
    column = table.column(table.numbers[-1])
    for row in table.cells[1:]:
        row[column] = "1"


@alteration
def a_code_for_missing(table: Table, draw: random.Random) -> None:
    """Mark missing values by -999."""
    column = table.column(draw.choice(table.numbers))
    for row in draw.sample(table.cells[1:], 4):
        row[column] = "-999"


@alteration
def as_JSON(table: Table, draw: random.Random) -> None:  # noqa: N802 - the format's name
    """Write records as JSON under the name of a CSV."""
    header, *rows = table.cells
    table.cells, table.quoted = [], csv.QUOTE_MINIMAL
    table.before = json.dumps([dict(zip(header, row, strict=True)) for row in rows])


@alteration
def as_a_web_page(table: Table, draw: random.Random) -> None:
    """Write a page of HTML under the name of a CSV."""
    header, *rows = table.cells
    table.cells, table.before = [], pd.DataFrame(rows, columns=header).to_html()


@dataclass
class Read:
    """What came in of a table: patient, class or time, and the numbers, a row each."""

    rows: list[tuple[str, str, tuple[float, ...]]]
    columns: tuple[str, ...]
    text: str = ""
    problems: list[str] = field(default_factory=list)


def read(table: Table, folder: Path) -> Read:
    """Return what `skiagram check` makes of a table."""
    path = folder / table.name
    path.write_bytes(table.content())
    parser = argparse.ArgumentParser()
    check.add_arguments(parser)
    places = [table.folder, str(path)] if table.folder else [str(path)]
    arguments = parser.parse_args([*places, *table.arguments])
    # The values, then the text that a user sees.
    described = describe_table(read_file_options(arguments))
    checked = check_table(described.source, described.frame, described.settling)
    source = checked.source
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        code = check.run(arguments)
    problems = [str(each) for each in checked.data.problems]
    if code and not problems:
        problems = ["the audit stops"]
    if problems:
        return Read([], (), text.getvalue(), problems)
    columns = source.columns.features or source.columns.covariates
    rows = []
    for entry in checked.data.entries:
        if source.columns.features:
            numbers = tuple(float(value) for value in entry.measured)
        else:
            numbers = tuple(float(cell or "nan") for cell in entry.covariates.values())
        said = f"{entry.value:g}" if entry.value is not None else source.classes[entry.label]
        rows.append((entry.patient or "", said, numbers))
    return Read(rows, tuple(columns), text.getvalue(), problems)


def truth(table: Table) -> list[tuple[str, str, tuple[float, ...]]]:
    """Return patient, class or time, and the numbers of each row of an unaltered table."""
    said = "label" if "label" in table.cells[0] else "days"
    numbers = [name for name in table.numbers if name != said]
    return [
        (
            row[table.column("patient_id")],
            row[table.column(said)],
            tuple(float(row[table.column(name)]) for name in numbers),
        )
        for row in table.cells[1:]
    ]


def groups(patients: Sequence[str]) -> list[int]:
    """Return of each row the first row of its patient."""
    return [patients.index(patient) for patient in patients]


def judge(meant: list[tuple[str, str, tuple[float, ...]]], found: Read) -> str:
    """Return `right`, `refused`, or what differs."""
    if found.problems:
        return "refused: " + found.problems[0][:150]
    if len(found.rows) != len(meant):
        return f"rows: {len(found.rows)} of {len(meant)}"
    if groups([row[0] for row in found.rows]) != groups([row[0] for row in meant]):
        return "patients"
    if [row[1].casefold().strip() for row in found.rows] != [row[1] for row in meant]:
        return "classes"
    if len(found.rows[0][2]) != len(meant[0][2]):
        return f"columns: {len(found.rows[0][2])} of {len(meant[0][2])}"
    ours, theirs = np.array([row[2] for row in found.rows]), np.array([row[2] for row in meant])
    bad = ~(np.isclose(ours, theirs, rtol=1e-6) | (np.isnan(ours) & np.isnan(theirs)))
    if bad.any():
        return f"values: {ours[bad][:3]} for {theirs[bad][:3]}"
    return "right"


def main() -> int:
    """Print how many tables of each kind are right, told, refused or wrong."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--show", default="")
    options = parser.parse_args()
    kinds = [name for name in ALTERATIONS if options.show in name]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for name in kinds:
            for kind in ("one", "two", "times", "images"):
                for number in range(options.draws):
                    draw = random.Random(f"{name} {kind} {number}")
                    table = base(kind, draw, folder)
                    meant = truth(table)
                    for old in folder.glob("table*"):
                        old.unlink()
                    try:
                        ALTERATIONS[name](table, draw)
                        found = read(table, folder)
                        result = judge(meant, found)
                        text = found.text
                    except SkiagramError as error:
                        result, text = f"refused: {error}"[:230], ""
                    except Exception as error:  # noqa: BLE001 - counted as wrong
                        result, text = f"CRASH {type(error).__name__} {error}", ""
                    print(json.dumps([name, kind, number, result, text[:700]]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
