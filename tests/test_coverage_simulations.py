"""The simulation of coverage: it runs, and its committed figures keep what is promised."""

import csv
import re
import runpy
import statistics
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

PROJECT = Path(__file__).resolve().parents[1]
FOLDER = PROJECT / "benchmarks/coverage"
PAGE = PROJECT / "docs/results/coverage.md"
ROWS = PROJECT / "docs/results/coverage"
TIMES = "times as many data sets"  # a column of tables in which rows were simulated again
# In the rows of a table whose first cell matches, the columns that match lie within the bounds.
PROMISES = [
    *pd.read_csv(Path(__file__).with_name("coverage_promises.csv"))
    .fillna({"rows": "", "least": -np.inf, "most": np.inf})
    .itertuples()
]


def rows(name):
    """Return the rows of a table: column → cell."""
    with (ROWS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def shares(row):
    """Return the percentages of a row."""
    return [float(cell) for name, cell in row.items() if name.endswith(" %")]


def design(row):
    """Return the first cell of a row."""
    return next(iter(row.values()))


@pytest.mark.parametrize("promise", PROMISES, ids=lambda row: f"{row.Index}-{row.table}")
def test_every_row_of_a_section_keeps_its_promise(promise):
    table = pd.read_csv(ROWS / f"{promise.table}.csv")
    named = table.iloc[:, 0].astype(str).str.match(promise.rows)
    held = table.loc[named, [name for name in table if re.fullmatch(promise.columns, name)]]
    assert held.size
    assert held.min(axis=None) >= promise.least, held
    assert held.max(axis=None) <= promise.most, held


def test_agreement_of_grades_is_held_on_the_average():
    held = [shares(row)[0] for row in rows("agreement-of-grades")]
    assert statistics.fmean(held) >= 94


def sections():
    """Return the sections, and lines of tables, of the page that name rows."""
    parts = re.split(r"\n(?=## |\| )", PAGE.read_text(encoding="utf-8"))
    return [part for part in parts if ".csv)" in part]


def test_the_page_names_all_rows():
    linked = re.findall(r"\(coverage/(.+?)\.csv\)", PAGE.read_text(encoding="utf-8"))
    assert set(linked) == {path.stem for path in ROWS.iterdir()}


@pytest.mark.parametrize("section", sections(), ids=lambda section: section[:40])
def test_every_percentage_of_the_page_is_one_of_its_rows_or_their_median(section):
    known = {2.5}  # which is promised
    for name in re.findall(r"\(coverage/(.+?)\.csv\)", section):
        for column in zip(*map(shares, rows(name)), strict=True):
            known |= {*column, round(statistics.median(column), 1)}
    told = re.findall(r"(?<![\w.])(\d+\.\d)(?= %| (?:to|and|against) \d+\.\d %)", section)
    assert {float(one) for one in told} <= known


# Samples by which true figures are set, not the rows: a tenth is enough here.
LARGE = {
    "concordance.TRUTH_SETS": 3,
    "decisions.MANY": 400,
    "grade_agreement.TRUTH_PATIENTS": 40_000,
    "groups.MANY": 10_000,
    "intervals_of_an_auc.REPLICATES": 100,
    "near_bounds.MANY": 20_000,
    "near_bounds.TRUTH_PATIENTS": 2_000,
    "number_errors.TRUTH_PATIENTS": 40_000,
    "rare_and_alike.MANY": 20_000,
    "rules_of_tasks.MANY": 400,
    "several_classes.MANY": 10_000,
}


@pytest.mark.slow
def test_a_short_run_gives_the_rows_of_the_page_and_again_the_same(monkeypatch):
    monkeypatch.setattr(sys, "path", [str(FOLDER), *sys.path])  # as `python run.py` has it
    for size, smaller in LARGE.items():
        monkeypatch.setattr(size, smaller)
    simulations = runpy.run_path(str(FOLDER / "run.py"))["SIMULATIONS"]
    made = {name: simulation.tabulate(4) for name, simulation in simulations.items()}
    # Every simulation draws from streams of its own: alone it gives the same rows again.
    for name in ("the-auc-of-several-classes", "c-indices-of-a-time-to-an-event"):
        assert simulations[name].tabulate(4) == made[name]
    for name, text in made.items():
        new, written = list(csv.DictReader(text.splitlines())), rows(name)
        assert [design(row) for row in new] == [design(row) for row in written]
        assert new[0].keys() - {TIMES} == written[0].keys() - {TIMES}
