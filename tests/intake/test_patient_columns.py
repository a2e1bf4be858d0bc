"""The column that tells patients apart, where the line names none."""

import pytest

from skiagram.cli.check_report import left_out
from skiagram.intake.feature_tables import read_features
from skiagram.intake.file_options import FileOptions
from skiagram.intake.images import read_folder
from tests.datasets.own_folders import png
from tests.terminal import assert_says
from tests.yaml_rows import read_rows

ROWS = range(18)
KINDS = {  # ids by how many rows share one, or a flag
    "own": [*range(100, 118)],
    **{f"by {n}": [f"M{at // n}" for at in ROWS] for n in (2, 3, 6)},
    "flag": [at % 2 for at in ROWS],
    "some": [at if at % 5 == 0 else "" for at in ROWS],  # as Derm7pt
    "copy": ["" if at == 17 else "xz"[at // 3 % 2] for at in ROWS],  # of the label
    "same": ["patient"] * 18,
    "files": [f"UID_{at // 3}_{at}_all.bmp" for at in ROWS],  # as C-NMC
    "visits": [f"GBM-{at % 15:05d}_{11 + at // 15 * 10}" for at in ROWS],  # as UPENN-GBM
    "value": [at * 0.37 % 1 for at in ROWS],
}


def write_table(folder, columns):
    """Write a table of `NAME=KIND`, and of each row's file and label; return its path."""
    named = [column.split("=") for column in columns.split("; ")]
    lines = [",".join([*(name for name, _ in named), "file,label"])]
    for at in ROWS:
        cells = [KINDS[kind][at] for _, kind in named]
        lines.append(",".join(map(str, (*cells, f"{at}.png", "yn"[at // 3 % 2]))))
    (folder / "films.csv").write_text("\n".join(lines))
    return folder / "films.csv"


def read(folder, columns, **options):
    """Return images whose table has further columns."""
    (folder / "films").mkdir(exist_ok=True)
    for at in ROWS:
        (folder / "films" / f"{at}.png").write_bytes(png(at))
    return read_folder(FileOptions(folder / "films", write_table(folder, columns), **options))


PATIENTS = read_rows(__file__, "patients")


@pytest.mark.parametrize("columns", PATIENTS)
def test_ids_of_every_row_give_way_to_ids_that_rows_share(columns, tmp_path):
    described = read(tmp_path, columns)
    taken, _, said = PATIENTS[columns]["says"].partition(" | ")
    assert str(described.source.columns.patient) == taken
    assert_says(" ".join(described.notes), said)


def test_names_of_images_that_a_pattern_joins_give_way_to_patients(tmp_path):
    """ADNI's table has a row an image; --patient names the column that joins, not the patients."""
    read(tmp_path, "PTID=by 3; Image Data ID=own")
    for at in ROWS:
        (tmp_path / "films" / f"{at}.png").rename(tmp_path / "films" / f"I{at}.png")
    table = tmp_path / "films.csv"
    table.write_text(table.read_text().replace(",file,", ",name,").replace(".png,", ","))
    options = FileOptions(tmp_path / "films", table, patient="name", pattern=["I{patient}.png"])
    described = read_folder(options)
    assert described.source.columns.patient == "PTID"
    assert [*described.notes] == [
        "Patients are those of `PTID`, 6 in 18 rows, and not the 18 that the names of files tell."
    ]


def test_a_named_column_stays_and_no_other_id_is_proposed(tmp_path):
    described = read(tmp_path, "case_id=own; Patient_Number=by 3")
    assert "Patient_Number" not in left_out(described)
    described = read(tmp_path, "case_id=own; Patient_Number=by 3", patient="case_id")
    assert described.source.columns.patient == "case_id"
    assert_says(left_out(described), "Patient_Number: it tells patients | !--covariates")
    assert_says(
        left_out(read(tmp_path, "diag=copy; role=same; sex=flag")),
        "diag: it may tell | covariates role,sex",
    )
    described = read(tmp_path, "case_id=some; notes=own", patient="case_id")
    assert not any("`case_id`" in note for note in described.notes)


def test_ids_of_cases_give_way_in_a_table_of_features(tmp_path):
    table = write_table(tmp_path, "case_id=own; MRN=by 3; area=value")
    described = read_features(FileOptions(table, positive="y"))
    assert described.source.columns.patient == "MRN"
    assert any("6 in 18 rows, and not the 18 of `case_id`" in note for note in described.notes)
