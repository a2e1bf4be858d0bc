"""Rows of the simulations as CSV: a file for each table of a section, named by the section's title.

Percentages and other numbers lose their signs and separators, so that programs read them; the
column's name keeps the `%`. A star becomes a column of its own, and an empty first cell the one
above it.
"""

import csv
import re
from io import StringIO

from again import AGAIN

STAR = " *"
TIMES = "times as many data sets"
_TABLE = re.compile(r"(?:^\|.*\n)+", re.MULTILINE)
_PERCENTAGE = re.compile(r"[\d.]+ %")


def name_of_section(title: str) -> str:
    """Return the name of a section's files, which is its anchor on the page, too."""
    return re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-")


def tables_of(text: str) -> dict[str, str]:
    """Return file name → CSV of every table of some sections."""
    found = {}
    for section in text.split("\n## ")[1:]:
        name = name_of_section(section.partition("\n")[0])
        for number, table in enumerate(_TABLE.findall(section), start=1):
            found[f"{name}-{number}.csv" if number > 1 else f"{name}.csv"] = _as_csv(table)
    return found


def _as_csv(table: str) -> str:
    """Return a table of Markdown as CSV."""
    header, _, *rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()
    ]
    again = [any(cell.endswith(STAR) for cell in row) for row in rows]
    columns = [[cell.removesuffix(STAR) for cell in column] for column in zip(*rows, strict=True)]
    for number in range(1, len(rows)):
        columns[0][number] = columns[0][number] or columns[0][number - 1]
    header = [
        f"{name} %" if all(map(_PERCENTAGE.fullmatch, column)) else name
        for name, column in zip(header, columns, strict=True)
    ]
    columns = [[_as_number(cell) for cell in column] for column in columns]
    if any(again):
        header.append(TIMES)
        columns.append([str(AGAIN if more else 1) for more in again])
    written = StringIO()
    csv.writer(written, lineterminator="\n").writerows(
        [[name.replace("*", "") for name in header], *zip(*columns, strict=True)]
    )
    return written.getvalue()


def _as_number(cell: str) -> str:
    """Return a number as programs read it, and any other cell as it is."""
    plain = cell.removesuffix(" %").removeprefix("× ").replace("−", "-")
    if re.fullmatch(r"\d{1,3}(,\d{3})+", plain):
        return plain.replace(",", "")
    return plain if re.fullmatch(r"[+-]?[\d.]+", plain) else cell
