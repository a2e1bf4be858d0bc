"""Visits of a patient: their order goes on, and no date does."""

import csv
from dataclasses import replace

import pandas as pd
import pytest

from skiagram.case_features.earlier import previous_cases
from skiagram.datasets.folder.patients import number_visits
from skiagram.errors import DataError, OptionError
from skiagram.image_store.store import ImageStore
from skiagram.preparation import PREPARATION, Preparation
from skiagram.records.files import read_record, read_table
from tests.datasets.own_folders import (
    COLUMNS,
    listing_of,
    pixels_of,
    write_films,
)
from tests.datasets.sources import ingested

WITH_VISITS = replace(COLUMNS, visit="seen", covariates=(), site=None)
DATES = ["2026-03-01", "2024-12-31", "2025-07-09"]  # of the three films of each patient


def visited(place):
    """Return twelve patients seen three times, the rows not in the order of the visits."""
    labels = ("normal", "cancer")
    return write_films(
        place,
        36,
        lambda at: {
            "patient_id": f"MRN-{at // 3}",
            "seen": DATES[at % 3],
            "label": labels[at // 3 % 2],
        },
    )


def rows_of(*cells):
    return pd.DataFrame(
        {"patient": [patient for patient, _ in cells], "seen": [seen for _, seen in cells]},
        index=range(2, len(cells) + 2),
    )


def test_dates_and_numbers_become_the_order_within_the_patient():
    """Rows of nobody are of different patients."""
    dated = rows_of(
        ("p", "2026-03-01"), ("q", "20240101"), ("p", "2024-12-31"), ("p", "2026-03-01")
    )
    numbered = rows_of(("p", "7"), ("p", "0"), ("q", "999"), ("", "5"), ("", "2024-12-31"))
    order = number_visits(dated, "patient", "seen")["seen"].tolist()
    assert order == ["2", "1", "1", "2"]
    order = number_visits(numbered, "patient", "seen")["seen"].tolist()
    assert order == ["2", "1", "1", "1", "1"]


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ([("p", "spring 2024")], "line 2, column `seen`: no number and no date of a visit"),
        ([("p", "2024-02-31")], "no number and no date"),
        ([("p", "")], "no visit"),
        ([("p", "2024-02-01"), ("p", "2")], "dates and numbers of visits for one patient"),
    ],
)
def test_another_cell_is_refused_and_not_quoted(cells, message):
    with pytest.raises(DataError, match=message) as raised:
        number_visits(rows_of(*cells), "patient", "seen")
    assert not any(seen and seen in str(raised.value) for _, seen in cells)


def test_visits_without_patients_are_refused():
    with pytest.raises(OptionError, match="`seen` was given"):
        replace(WITH_VISITS, patient=None)


def test_a_date_in_a_manifest_is_refused_and_not_quoted():
    table = "file,label,patient_id,seen\na.png,normal,p,2024-12-31\n"
    (problem,) = listing_of(table, WITH_VISITS).problems
    assert "let `skiagram init` write the manifest" in str(problem)
    assert "2024" not in str(problem)


@pytest.mark.slow
def test_init_and_ingest_know_the_order_and_no_date(tmp_path, initialised):
    own, project = visited(tmp_path), tmp_path / "project"
    line = f"{own.folder} {own.csv} --positive cancer --visit seen"
    source = initialised(line.split(), project)
    folders, cases = ingested(source, tmp_path / "out", "cv")
    columns = read_record(Preparation, folders.images / PREPARATION).columns
    assert (columns["patient"], columns["visit"]) == ("patient_id", "seen")
    visits = read_table(folders.cases / "visits.parquet")
    assert dict(visits["visit"].value_counts()) == {1: 12, 2: 12, 3: 12}
    with own.csv.open(newline="") as file:
        rows = [*csv.DictReader(file)]
    date_of = {pixels_of(own.folder / row["file"]): row["seen"] for row in rows}
    store = ImageStore(folders.images)
    seen = {name: date_of[store.image(name).tobytes()] for name in cases.case_id.tolist()}
    for first, second in previous_cases(visits, cases).items():
        assert [seen[second[0]], seen[first]] in [sorted(DATES)[:2], sorted(DATES)[1:]]
    written = [path for path in (project, tmp_path / "out") for path in path.rglob("*")]
    content = b"".join(path.read_bytes() for path in written if path.is_file())
    assert not [date for date in DATES if date.encode() in content]
