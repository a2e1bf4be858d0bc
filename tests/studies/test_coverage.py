"""The simulation of coverage: it runs, and its committed figures keep what is promised."""

import re
import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
PAGE = PROJECT / "docs/results/coverage.md"


def tables(text: str) -> Iterator[list[tuple[str, list[float]]]]:
    """Yield (first cell, percentages) of each row, table after table."""
    for table in re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE):
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.split("\n")]
        yield [
            (row[0], [float(cell[:-2]) for cell in row if cell.endswith(" %")])
            for row in rows[2:]
            if len(row) > 1
        ]


def test_default_intervals_hold_what_they_say_from_40_patients_of_a_class_on() -> None:
    areas, decisions, equal = tables(PAGE.read_text(encoding="utf-8"))
    many = [values for name, values in areas if not name.startswith("10 + 10")]
    assert len(many) == 9
    assert all(93 <= logit <= 97 for logit, _, _, _ in many)
    assert all(93 <= bca <= 97 for _, _, _, bca in many)
    for name, values in decisions:
        assert name.startswith("10 + 10") or all(93 <= value <= 97 for value in values)
    assert all(value <= 6 for _, values in equal for value in values)


@pytest.mark.slow
def test_a_short_run_gives_the_same_tables_twice() -> None:
    page = runpy.run_path(str(PROJECT / "studies/coverage/run.py"))["page"]
    first, again = page(4, 100), page(4, 100)
    assert first == again
    assert [[name for name, _ in table] for table in tables(first)] == [
        [name for name, _ in table] for table in tables(PAGE.read_text(encoding="utf-8"))
    ]
