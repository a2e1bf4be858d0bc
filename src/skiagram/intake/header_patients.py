"""Patients that DICOM headers tell, where no column of a table and no file name does."""

from dataclasses import replace
from pathlib import Path

from skiagram.datasets.folder.csv_rows import CsvRow
from skiagram.datasets.folder.patients import find_patient_problem
from skiagram.readers.case_images import is_image_file
from skiagram.readers.dicom import read_patient_id
from skiagram.readers.file_trees import open_tree
from skiagram.readers.image_files import ENDINGS

_COLUMN = "patient_id"
_OTHER_ENDINGS = tuple(ending for ending in ENDINGS if ending not in (".dcm", ".dicom"))


def add_header_patients(rows: list[CsvRow], column: str, folder: Path) -> tuple[list[CsvRow], str]:
    """Return a table with the column `patient_id` that headers tell, and a sentence.

    The table stays as it is where an image is no DICOM file, or where a header names nobody.

    Args:
        column: Of the names of files; a folder is a series of slices.
        folder: That of the files, or an encrypted archive, which takes time to open.
    """
    names = [row.cells[column] for row in rows]
    if any(name.lower().endswith(_OTHER_ENDINGS) for name in names):
        return rows, ""
    tree = open_tree(folder, str(folder), is_image_file)
    tree.announce(names)
    patients: list[str] = []
    for name in names:
        slices = tree.series(name)
        files = [name] if slices is None else [f"{name}/{part}" for part in slices]
        found = (read_patient_id(tree.head(file)) for file in files)
        patient = next((each for each in found if each is not None), None)
        if patient is None:  # no DICOM file
            return rows, ""
        patients.append(patient)
    # an id that stands for nobody, or for everybody, tells no patients apart
    nobody = sum(find_patient_problem(patient, "") is not None for patient in patients)
    if nobody or (len(set(patients)) == 1 and len(patients) > 1):
        fault = f"{nobody} of {len(names)} DICOM headers name no patient"
        if not nobody:
            fault = "All DICOM headers have the same Patient ID"
        return rows, f"{fault}: patients are unknown, unless a table has a column `{_COLUMN}`."
    note = f"Patients are those of the DICOM headers (Patient ID): {len(set(patients))} of "
    note += f"{len(names)} images. A column `{_COLUMN}` of a table would count instead."
    return [
        replace(row, cells=row.cells | {_COLUMN: patient})
        for row, patient in zip(rows, patients, strict=True)
    ], note
