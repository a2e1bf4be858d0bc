"""Which columns of a table could tell who a patient is."""

from dataclasses import replace

import pandas as pd
import pytest

from skiagram.datasets.folder.columns import find_covariate_problems
from skiagram.datasets.folder.identifiers import names_patients, suspect_column
from skiagram.errors import OptionError
from tests.datasets.own_folders import COLUMNS

ROWS = 100
HARMLESS = {
    "age": [str(40 + at % 35) for at in range(ROWS)],
    "alter": [str(40 + at % 35) if at % 3 else "" for at in range(ROWS)],
    "diameter": [f"{at / 7:.3f}" for at in range(ROWS)],
    "view": ["MLO" if at % 2 else "CC" for at in range(ROWS)],
    "kVp": [str(28_000 + at % 5) for at in range(ROWS)],
    "density": ["ABCD"[at % 4] for at in range(ROWS)],
    "number_of_lesions": [str(at % 4) for at in range(ROWS)],
    "family_history": ["yes" if at % 9 else "no" for at in range(ROWS)],
    "valid": ["1"] * ROWS,
    "ten_year_risk": [str(at % 9) for at in range(ROWS)],
    "年龄": [str(40 + at % 35) for at in range(ROWS)],
    "عمر": [str(40 + at % 35) for at in range(ROWS)],
    "empty": [""] * ROWS,
}
BY_VALUES = {
    "accession_of_visit": [str(99_000 + at // 4) for at in range(ROWS)],
    "row": [str(at) for at in range(ROWS)],
    "who": [f"ZZTEST {at}" for at in range(ROWS)],
    "名字": [f"王{chr(0x4E00 + at)}" for at in range(ROWS)],
    "дата": [f"{at % 28 + 1}.03.1950" for at in range(ROWS)],
    "since": [f"19{at % 90 + 10}-0{at % 9 + 1}-11" for at in range(ROWS)],
    "seit": [f"{at % 28 + 1}.3.1950" for at in range(ROWS)],
    "depuis": [f"{at % 28 + 1}/3/50" for at in range(ROWS)],
    "written": [f"{at % 28 + 1} March 1950" for at in range(ROWS)],
    "one_date": ["1950-03-11" if at == 7 else "none" for at in range(ROWS)],
    "packed": ["19500311" for _ in range(ROWS)],
    "sign": [f"0{at:05d}" for at in range(ROWS)],
    "text": ["seen again after the biopsy of last week by the ward, no change"] * ROWS,
    "huge": ["1e999" if at % 2 else "nan" + str(at) for at in range(ROWS)],
}
NAMES = """
    Name PatientName patient_name NACHNAME Vorname Geburtsdatum geburtsjahr Fallnummer
    Versichertennummer patientID study_uid MRN DOB e-mail phone BirthDate physician city
""".split()  # noqa: SIM905


@pytest.mark.parametrize(
    ("name", "tells", "also_of_cases"),
    [
        *((name, True, True) for name in ("PatientName", "INFO_PatientID", "Pat.", "MRN", "RID")),
        *((name, True, True) for name in ("TCIA Patient ID", "BraTS_2020_subject_ID", "SUB_ID")),
        *((name, False, True) for name in ("ID", "case no", "study_id", "CaseID")),
        *((name, False, False) for name in ("Patient Age", "PatientSex", "subject height")),
        *((name, False, False) for name in ("pat.karno", "Image Data ID", "lesion_id", "label")),
    ],
)
def test_a_name_tells_patients_apart_by_its_last_words(name, tells, also_of_cases):
    """`Patient Age` was proposed in place of ids, and the Karnofsky score of patients was one."""
    assert (names_patients(name), names_patients(name, also_cases=True)) == (tells, also_of_cases)


@pytest.mark.parametrize("name", HARMLESS)
def test_measurements_and_shared_texts_pass(name):
    assert suspect_column(name, HARMLESS[name]) is None


@pytest.mark.parametrize("name", BY_VALUES)
def test_a_column_is_known_by_what_it_holds_and_no_cell_is_quoted(name):
    why = suspect_column("column", BY_VALUES[name])
    assert why is not None
    assert not any(cell in why.split() for cell in BY_VALUES[name])


@pytest.mark.parametrize("name", NAMES)
def test_a_column_is_known_by_its_name(name):
    why = suspect_column(name, ["a", "b"] * 50)
    assert why is not None
    assert why.startswith("its name stands for")


def test_few_long_numbers_pass_only_where_rows_share_them():
    shared = [str(4711 + at % 3) for at in range(12)]
    assert suspect_column("dose", shared) is None
    assert suspect_column("dose", [str(4711 + at) for at in range(12)]) is not None


def table():
    columns = {"age": HARMLESS["age"], "view": [f"ZZTEST^{at}" for at in range(ROWS)]}
    files = [f"{at}.png" for at in range(ROWS)]
    return pd.DataFrame({"file": files, "label": "a", "patient_id": "", "site": "", **columns})


def test_a_suspect_covariate_is_a_problem_with_a_remedy_unless_forced():
    (problem,) = find_covariate_problems(table(), COLUMNS)
    assert str(problem).startswith("the CSV, column `view`: as a covariate it could tell")
    assert "--force-covariates view" in str(problem)
    assert "ZZTEST" not in str(problem)
    assert not [*find_covariate_problems(table(), replace(COLUMNS, forced_covariates=("view",)))]


def test_only_covariates_can_be_forced():
    with pytest.raises(OptionError, match=r"columns\.forced_covariates: `name` was given"):
        replace(COLUMNS, forced_covariates=("name",))
