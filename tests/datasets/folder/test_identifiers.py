"""Which columns of a table could tell who a patient is."""

from dataclasses import replace

import pandas as pd
import pytest

from skiagram.datasets.folder.columns import find_covariate_problems
from skiagram.datasets.folder.identifiers import names_patients, suspect_column
from skiagram.errors import OptionError
from tests.datasets.own_folders import COLUMNS
from tests.yaml_rows import read_rows

ROWS = 100


def cells(pattern):
    """Return a column whose rows take the parts of a pattern, between `;`, in turn."""
    parts = pattern.split(";")
    return [
        parts[at % len(parts)].format(
            at=at,
            age=40 + at % 35,
            seventh=at / 7,
            visit=99_000 + at // 4,
            letter=chr(0x4E00 + at),
            day=at % 28 + 1,
            month=at % 9 + 1,
            year=1910 + at % 90,
        )
        for at in range(ROWS)
    ]


HARMLESS, BY_VALUES = (read_rows(__file__, family, cells) for family in ("harmless", "by_values"))
NAMES = """
    Name PatientName patient_name NACHNAME Vorname Geburtsdatum geburtsjahr Fallnummer
    Versichertennummer patientID study_uid MRN DOB e-mail phone BirthDate physician city
    Arzt Hausarzt Überweiser Straße Hauptstraße PLZ Ort Anschrift Bemerkungen Versicherung
    NOM nom_patient prénom Date-de-naissance Médecin adresse ville Remarques
    apellido Apellidos nombre nombre_paciente fecha_nacimiento Médico Dirección Teléfono DNI
    cognome Nascita Indirizzo codice_fiscale sobrenome Endereço telemóvel
    achternaam geboortedatum huisarts straat Opmerking
    nazwisko imię data_urodzenia PESEL lekarz soyadı hasta_adı DoğumTarihi doktor
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
