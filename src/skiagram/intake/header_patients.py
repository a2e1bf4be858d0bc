"""Patients that DICOM headers tell, where no table or file name does, or where one contradicts."""

import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from skiagram.datasets.folder.csv_rows import WHERE, CsvRow
from skiagram.datasets.folder.identifiers import fold_id
from skiagram.datasets.folder.patients import find_patient_problem
from skiagram.datasets.folder.table import find_file_problems
from skiagram.errors import DataError
from skiagram.intake.patient_columns import is_case_id
from skiagram.readers.case_images import is_image_file
from skiagram.readers.dicom import read_patient_id
from skiagram.readers.image_files import ENDINGS
from skiagram.sealing.archive import open_tree

_COLUMN = "patient_id"
_OTHER_ENDINGS = tuple(ending for ending in ENDINGS if ending not in (".dcm", ".dicom"))


def read_header_patients(rows: list[CsvRow], column: str, folder: Path) -> list[str]:
    """Return the Patient ID of each row's image; nothing where an image is no DICOM file.

    Args:
        column: Of the names of files; a folder is a series of slices.
        folder: That of the files, or an encrypted archive, which takes time to open.
    """
    names = [row.cells[column] for row in rows]
    is_other = any(name.lower().endswith(_OTHER_ENDINGS) for name in names)
    if is_other or any(find_file_problems([row], column) for row in rows):
        return []
    tree = open_tree(folder, str(folder), is_image_file)
    tree.announce(names)
    patients: list[str] = []
    for name in names:
        slices = tree.series(name)
        files = [name] if slices is None else [f"{name}/{part}" for part in slices]
        found = (read_patient_id(tree.head(file)) for file in files)
        patient = next((each for each in found if each is not None), None)
        if patient is None:  # no DICOM file
            return []
        patients.append(patient)
    return patients


def add_header_patients(rows: list[CsvRow], patients: Sequence[str]) -> tuple[list[CsvRow], str]:
    """Return a table with the column `patient_id` that headers tell, and a sentence.

    The table stays as it is where an image is no DICOM file, or where a header names nobody.

    Args:
        patients: Of the header of each row's image; none where an image is no DICOM file.
    """
    if not patients:
        return rows, ""
    if fault := _find_fault(patients):
        return rows, f"{fault}: patients are unknown, unless a table has a column `{_COLUMN}`."
    note = f"Patients are those of the DICOM headers (Patient ID): {len(set(patients))} of "
    note += f"{len(rows)} images. A column `{_COLUMN}` of a table would count instead."
    return [
        replace(row, cells=row.cells | {_COLUMN: patient})
        for row, patient in zip(rows, patients, strict=True)
    ], note


def agree_with_headers(
    rows: list[CsvRow], patients: Sequence[str], column: str
) -> tuple[list[CsvRow], str, str]:
    """Return a table, its column of patients and a sentence, where headers may tell patients too.

    Ids of cases give way to the headers' where a patient of these has several.

    Args:
        patients: Of the header of each row's image; none where an image is no DICOM file.
        column: That is called like one of patients.

    Raises:
        DataError: A patient of the headers has several ids in another column.
    """
    # the ids of each patient, however they are spelled
    if not patients or _find_fault(patients):
        return rows, column, ""
    ids: dict[str, set[str]] = {}
    for row, patient in zip(rows, patients, strict=True):
        ids.setdefault(fold_id(patient), set()).add(fold_id(row.cells[column]))
    several = [patient_ids for patient_ids in ids.values() if len(patient_ids) > 1]
    if not several:
        return rows, column, ""
    # those of cases, or of another column
    n_ids = len(set().union(*several))
    if is_case_id(column):
        rows, note = add_header_patients(rows, patients)
        return rows, _COLUMN, f"{note} `{column}` has {n_ids} ids for {len(several)} of them."
    raise DataError(
        f"{n_ids} patients for {len(several)} of the {len(ids)} whom the DICOM headers name",
        where=f"{WHERE}, column `{column}`",
        allowed="one id for the images of one Patient ID",
        remedy=f"remove the column to take the headers' Patient ID, or name the column that is "
        f"right: `--patient {shlex.quote(column)}`",
    )


def _find_fault(patients: Sequence[str]) -> str:
    """Return why ids of headers tell no patients apart; empty where they do."""
    nobody = sum(find_patient_problem(patient, "") is not None for patient in patients)
    if nobody:
        return f"{nobody} of {len(patients)} DICOM headers name no patient"
    everybody = len(set(patients)) == 1 and len(patients) > 1
    return "All DICOM headers have the same Patient ID" if everybody else ""
