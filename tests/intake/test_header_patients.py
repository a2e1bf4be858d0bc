"""Patients of DICOM files whose table and names tell none are those of their headers."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from skiagram.errors import DataError
from skiagram.intake.file_options import FileOptions
from skiagram.intake.images import DescribedFolder, read_folder
from tests.datasets.own_folders import dicom


def write(folder: Path, patients: list[str]) -> None:
    """Write files of two classes, each with the Patient ID of its header."""
    for at, patient in enumerate(patients):
        path = folder / ("no", "yes")[at % 2] / f"{at}.dcm"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(dicom(at, PatientID=patient))


def read(folder: Path, **options: Any) -> DescribedFolder:
    return read_folder(FileOptions(folder, **options))


def test_they_are_those_of_the_headers(tmp_path: Path) -> None:
    write(tmp_path, ["P1", "P2", "P1", "P3", "P4", "P3"])
    described = read(tmp_path)
    cells = [row.cells for row in described.rows]
    assert {row["file"]: row["patient_id"] for row in cells} == {
        **{"no/0.dcm": "P1", "no/2.dcm": "P1", "no/4.dcm": "P4"},
        **{"yes/1.dcm": "P2", "yes/3.dcm": "P3", "yes/5.dcm": "P3"},
    }
    assert described.source.columns.patient == "patient_id"
    assert any("4 of 6 images" in note for note in described.notes)


@pytest.mark.parametrize(
    ("patients", "note"),
    [
        (["", "P2", "P1", "P3"], "1 of 4 DICOM headers name no patient"),
        (["Anonymous^Patient", "P2", "P1", "P3"], "1 of 4 DICOM headers name no patient"),
        (["removed"] * 4, "All DICOM headers have the same Patient ID"),
    ],
)
def test_ids_that_tell_nobody_leave_patients_unknown(
    patients: list[str], note: str, tmp_path: Path
) -> None:
    write(tmp_path, patients)
    described = read(tmp_path)
    assert described.source.columns.patient is None
    assert any(note in each for each in described.notes)


def listed(tmp_path: Path, patients: list[str], column: str, ids: list[str]) -> Path:
    """Write files of these patients, and a table with other ids of them."""
    write(tmp_path / "films", patients)
    table = tmp_path / "films.csv"
    lines = [f"{('no', 'yes')[at % 2]}/{at}.dcm,{at % 2},{name}" for at, name in enumerate(ids)]
    table.write_text("\n".join([f"file,label,{column}", *lines]))
    return table


@pytest.mark.parametrize("column", ["patient", "case_id"])
def test_a_column_of_patients_counts_before_them(column: str, tmp_path: Path) -> None:
    ids = ["Q1", "Q2", "q-1", "Q2"]  # two patients of the headers may be one of the table
    table = listed(tmp_path, ["P1", "P2", "p 1", "P3"], column, ids)
    described = read(tmp_path / "films", csv=table, similar_patients="same")
    assert described.source.columns.patient == column
    assert not any("headers" in note for note in described.notes)


def test_a_column_that_divides_patients_of_the_headers_is_refused(tmp_path: Path) -> None:
    """Films of one person were then in training and in test."""
    ids = ["Q0", "Q1", "Q2", "Q3"]
    table = listed(tmp_path, ["P1", "P2", "P1", "P3"], "patient", ids)
    fault = r"column `patient`: 2 patients for 1 of the 3 whom .* headers name.*--patient patient"
    with pytest.raises(DataError, match=fault):
        read(tmp_path / "films", csv=table)
    described = read(tmp_path / "films", csv=table, patient="patient")
    assert [row.cells["patient"] for row in described.rows] == ids


def test_numbers_of_cases_give_way_to_them(tmp_path: Path) -> None:
    table = listed(tmp_path, ["P1", "P2", "P1", "P3"], "case_id", ["1", "2", "3", "4"])
    described = read(tmp_path / "films", csv=table)
    assert described.source.columns.patient == "patient_id"
    assert [row.cells["patient_id"] for row in described.rows] == ["P1", "P2", "P1", "P3"]
    (note,) = (note for note in described.notes if "headers" in note)
    assert "3 of 4 images" in note
    assert "`case_id` has 2 ids for 1 of them" in note


@pytest.mark.parametrize("patients", [["removed"] * 4, ["", "P2", "P1", "P2"]])
def test_headers_that_tell_nobody_contradict_no_column(patients: list[str], tmp_path: Path) -> None:
    table = listed(tmp_path, patients, "case_id", ["1", "2", "3", "4"])
    described = read(tmp_path / "films", csv=table)
    assert described.source.columns.patient == "case_id"
    assert not any("headers" in note for note in described.notes)


def test_beside_other_files_they_are_not_asked(tmp_path: Path) -> None:
    write(tmp_path, ["P1", "P2", "P1", "P3"])
    Image.new("L", (24, 24)).save(tmp_path / "yes" / "9.png")
    assert read(tmp_path).source.columns.patient is None
