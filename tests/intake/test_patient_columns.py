"""The column that tells patients apart, where the line names none."""

from pathlib import Path

import pytest

from skiagram.cli.check_report import left_out
from skiagram.intake.feature_tables import read_features
from skiagram.intake.file_options import FileOptions
from skiagram.intake.images import DescribedFolder, read_folder
from tests.datasets.own_folders import png

ROWS = 18


def table_of(folder: Path, header: str, *columns: list[object]) -> Path:
    """Write a table of the columns, and of each row's file and label."""
    lines = [f"{header},file,label"]
    for at, cells in enumerate(zip(*columns, strict=True)):
        lines.append(",".join(map(str, (*cells, f"{at}.png", "yn"[at // 3 % 2]))))
    table = folder / "films.csv"
    table.write_text("\n".join(lines))
    return table


def read(folder: Path, header: str, *columns: list[object]) -> DescribedFolder:
    """Return images of which the table has further columns."""
    (folder / "films").mkdir()
    for at in range(ROWS):
        (folder / "films" / f"{at}.png").write_bytes(png(at))
    return read_folder(FileOptions(folder / "films", table_of(folder, header, *columns)))


def own(start: int = 100) -> list[object]:
    """Return an id for every row."""
    return [*range(start, start + ROWS)]


def shared(n: int) -> list[object]:
    """Return ids that n rows share."""
    return [f"M{at // n}" for at in range(ROWS)]


@pytest.mark.parametrize(
    ("usual", "other"),
    [
        *(("case_id", "MRN"), ("CaseID", "Patient_Number"), ("case_id", "ID")),
        *(("subject_id", name) for name in ("MRN", "PTID", "RID", "SUB_ID", "ProxID")),
    ],
)
def test_an_id_of_every_row_gives_way_to_ids_that_rows_share(
    usual: str, other: str, tmp_path: Path
) -> None:
    described = read(tmp_path, f"{usual},{other}", own(), shared(3))
    assert described.source.columns.patient == other
    (note,) = (note for note in described.notes if "Patients" in note)
    assert f"of `{other}`, 6 in 18 rows, and not the 18 of `{usual}`" in note


def test_names_of_images_that_a_pattern_joins_give_way_to_patients(tmp_path: Path) -> None:
    """ADNI's table has a row an image; --patient names the column that joins, not the patients."""
    read(tmp_path, "PTID,Image Data ID", shared(3), own())
    for at in range(ROWS):
        (tmp_path / "films" / f"{at}.png").rename(tmp_path / "films" / f"I{at}.png")
    table = tmp_path / "films.csv"
    table.write_text(table.read_text().replace(",file,", ",name,").replace(".png,", ","))
    options = FileOptions(tmp_path / "films", table, patient="name", pattern=["I{patient}.png"])
    described = read_folder(options)
    assert described.source.columns.patient == "PTID"
    assert described.notes == [
        "Patients are those of `PTID`, 6 in 18 rows, and not the 18 that the names of files tell."
    ]


def test_ids_of_cases_that_a_patient_has_several_of_give_way_too(tmp_path: Path) -> None:
    described = read(tmp_path, "case_id,MRN", shared(2), shared(6))
    assert described.source.columns.patient == "MRN"


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        ("case_id,study_id", (shared(6), shared(3))),  # a study is less than a case here
        ("case_id,PAT", (own(), [at % 2 for at in range(ROWS)])),  # a flag
        ("case_id,Patient Age", (own(), shared(3))),
        ("patient_id,study_id", (own(), shared(3))),  # a study of many patients
        ("patient_id,MRN", (shared(3), shared(6))),
    ],
)
def test_a_column_with_a_usual_name_stays(
    header: str, columns: tuple[list[object], list[object]], tmp_path: Path
) -> None:
    described = read(tmp_path, header, *columns)
    assert described.source.columns.patient == header.partition(",")[0]


def test_a_named_column_stays_and_no_other_id_is_proposed(tmp_path: Path) -> None:
    numbers: list[object] = [at // 3 for at in range(ROWS)]
    described = read(tmp_path, "case_id,Patient_Number", own(), numbers)
    assert "Patient_Number" not in left_out(described)
    options = FileOptions(tmp_path / "films", tmp_path / "films.csv", patient="case_id")
    described = read_folder(options)
    assert described.source.columns.patient == "case_id"
    assert "Patient_Number: it tells patients" in left_out(described)
    assert "--covariates" not in left_out(described)


def test_ids_of_cases_give_way_in_a_table_of_features(tmp_path: Path) -> None:
    values: list[object] = [at * 0.37 % 1 for at in range(ROWS)]
    table = table_of(tmp_path, "case_id,MRN,area", own(), shared(3), values)
    described = read_features(FileOptions(table, positive="y"))
    assert described.source.columns.patient == "MRN"
    assert any("6 in 18 rows, and not the 18 of `case_id`" in note for note in described.notes)


def test_a_column_that_its_name_made_the_patients_is_told_where_ids_are_missing(
    tmp_path: Path,
) -> None:
    ids: list[object] = [at if at % 5 == 0 else "" for at in range(ROWS)]  # as Derm7pt
    described = read(tmp_path, "case_id,notes", ids, own())
    (note,) = (note for note in described.notes if "`case_id`" in note)
    assert "14 of 18 rows have no id in it" in note
    assert "--patient" in note
    options = FileOptions(tmp_path / "films", tmp_path / "films.csv", patient="case_id")
    assert not any("`case_id`" in note for note in read_folder(options).notes)
