"""Patients that DICOM headers tell, where no table or file name does, or where one contradicts."""

import pandas as pd

from skiagram.datasets.folder.columns import find_cell_problems
from skiagram.datasets.folder.identifiers import normalise_spelling
from skiagram.datasets.folder.roles import PATIENT, ROLES
from skiagram.errors import refusal
from skiagram.intake.file_options import FileOptions
from skiagram.intake.patient_columns import is_case_id
from skiagram.readers.dicom import read_element
from skiagram.readers.image_files import ENDINGS
from skiagram.tables.cells import names_nobody
from skiagram.tables.frames import WHERE

_OTHER_ENDINGS = tuple(ending for ending in ENDINGS if ending not in (".dcm", ".dicom"))


def agree_with_headers(
    frame: pd.DataFrame, options: FileOptions, column: str | None
) -> tuple[pd.DataFrame, str | None, str]:
    """Return a table, its column of patients and a sentence, where headers may tell patients too.

    They do where no column does, and where ids of cases are several for a patient of theirs; not
    where an image is no DICOM file.

    Args:
        options: With the column of the names of files; a folder is a series of slices.
        column: That is called like one of patients; None where there is none.

    Raises:
        DataError: A patient of the headers has several ids in another column.
    """
    # the Patient ID of each row's image
    file = str(options.file)
    names = frame[file].tolist()
    is_other = any(name.lower().endswith(_OTHER_ENDINGS) for name in names)
    if is_other or find_cell_problems(frame, [(file, check) for check in ROLES["file"].checks]):
        return frame, column, ""
    tree = options.tree  # which decrypts all of an archive
    tree.announce(names)
    patients: list[str] = []
    for name in names:
        slices = tree.series(name)
        parts = [name] if slices is None else [f"{name}/{part}" for part in slices]
        found = (read_element(tree.head(part), "PatientID") for part in parts)
        patient = next((each for each in found if each is not None), None)
        if patient is None:  # no DICOM file
            return frame, column, ""
        patients.append(patient)
    # headers that tell no patients apart
    nobody, n_patients = sum(map(names_nobody, patients)), len({*patients})
    fault = f"{nobody} of {len(patients)} DICOM headers name no patient" if nobody else ""
    if n_patients == 1 < len(patients) and not nobody:
        fault = "All DICOM headers have the same Patient ID"
    if fault:
        note = f"{fault}: patients are unknown, unless a table has a column `{PATIENT}`."
        return frame, column, "" if column else note
    note = (
        f"Patients are those of the DICOM headers (Patient ID): {n_patients} of "
        f"{len(frame)} images. A column `{PATIENT}` of a table would count instead."
    )
    # the ids of each patient, however they are spelled
    if column is not None:
        ids = (
            frame[column]
            .map(normalise_spelling)
            .groupby([*map(normalise_spelling, patients)])
            .agg(set)
        )
        several = ids[ids.map(len) > 1]
        if several.empty:
            return frame, column, ""
        n_ids = len(set().union(*several))
        if not is_case_id(column):
            raise refusal(
                "intake.headers_contradict",
                f"{WHERE}, column `{column}`",
                n_ids=n_ids,
                n_several=len(several),
                n_patients=len(ids),
            )
        note += f" `{column}` has {n_ids} ids for {len(several)} of them."
    return frame.assign(**{PATIENT: [*patients]}), PATIENT, note
