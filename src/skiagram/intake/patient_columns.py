"""Which column of a table tells patients apart, where the line of a command names none."""

import re
from collections.abc import Collection

from skiagram.datasets.folder.csv_rows import PATIENT_COLUMNS, CsvRow, usual_column
from skiagram.datasets.folder.identifiers import names_patients

_PATIENTS = re.compile(  # a name without marks, of a column whose rows share values
    r"(info|bcr|study|anon)?(patient(s|en)?|pat|subjects?|subj|case|person|proband(en)?|pid|mrn|ptid|rid"
    r"|subid|proxid|id)"
    r"(id|name|no|nr|num|number|nummer|kennung|code|key|barcode|identifier|uid)?"
)
_FLAG = 2  # values of a column that says yes or no


def find_patient_column(
    rows: list[CsvRow], taken: Collection[str], *, joined: bool = False
) -> tuple[str | None, str]:
    """Return the column that tells patients apart, and a sentence where its name is no usual one.

    A column with a usual name counts. An id of a case, and one that every row has for itself, gives
    way to another column that is called like patients' ids and whose values rows share.

    Args:
        taken: Columns that hold something else.
        joined: Whether the usual column holds what joined the names of files to the table, which
            may be images or visits; --patient has named it then.
    """
    # a usual name, and ids that rows share
    header, n_rows = rows[0].cells, len(rows)
    usual = usual_column(header, PATIENT_COLUMNS)
    ids = [row.cells[usual] if usual else str(at) for at, row in enumerate(rows)]
    is_case = usual is not None and is_case_id(usual)
    if usual is not None and not is_case and len({*ids}) < n_rows:
        return usual, ""
    # another column, of which each id has one value alone
    for name in header:
        is_called = tells_patients(name) and (usual is None or is_case or names_patients(name))
        if not is_called or name == usual or name in taken:
            continue
        cells = [row.cells[name] for row in rows]
        patients = {*cells}
        n_pairs = len({*zip(ids, cells, strict=True)})
        if n_pairs > len({*ids}) or not all(map(is_whole, patients)):
            continue
        if _FLAG < len(patients) < len({*ids}):
            note = f"Patients are those of `{name}`, {len(patients)} in {n_rows} rows"
            if joined:
                return name, f"{note}, and not the {len({*ids})} that the names of files tell."
            note += f", and not the {len({*ids})} of `{usual}`" if usual else ""
            return name, f"{note}; another column is named by --patient."
    return usual, ""


def is_case_id(name: str) -> bool:
    """Return whether a column is called `case_id`, however it is written."""
    return usual_column([name], PATIENT_COLUMNS[-1:]) is not None


def tells_patients(name: str) -> bool:
    """Return whether a column is called as patients' ids are, and nothing else."""
    return _PATIENTS.fullmatch(re.sub(r"[\W\d_]+", "", name.casefold())) is not None


def is_whole(cell: str) -> bool:
    """Return whether a cell is a text or a whole number, as an id is."""
    try:
        return float(cell).is_integer()
    except ValueError:
        return True
