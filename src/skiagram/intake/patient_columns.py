"""Which column of a table tells patients apart, where the line of a command names none."""

from collections.abc import Collection

import numpy as np
import pandas as pd

from skiagram.datasets.folder.identifiers import names_patients
from skiagram.datasets.folder.roles import ROLES, usual_column
from skiagram.readers.image_files import ENDINGS
from skiagram.tables.frames import numbers_of, texts_of

_FLAG = 2  # values of a column that says yes or no
_MOST_PARTS = 5  # such as visits or sides, behind ids


def find_patient_column(
    frame: pd.DataFrame, taken: Collection[str], *, joined: bool = False
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
    n_rows = len(frame)
    usual = usual_column(frame.columns, ROLES["patient"].usual)
    ids = pd.Series(range(n_rows)) if usual is None else frame[usual]
    is_case, n_ids = usual is not None and is_case_id(usual), ids.nunique()
    if usual is not None and not is_case and n_ids < n_rows and not joined:
        return usual, ""
    # another column, of which each id has one value alone
    for name in texts_of(frame):
        called = names_patients(name, also_cases=usual is None or is_case)
        if not called or name in {usual, *taken}:
            continue
        n_pairs = len({*zip(ids.tolist(), frame[name].tolist(), strict=True)})
        n_patients = frame[name].nunique()
        if n_pairs <= n_ids and _FLAG < n_patients < n_ids and are_ids(frame[name]):
            note = f"Patients are those of `{name}`, {n_patients} in {n_rows} rows"
            if joined:
                return name, f"{note}, and not the {n_ids} that the names of files tell."
            note += f", and not the {n_ids} of `{usual}`" if usual else ""
            return name, f"{note}; another column is named by --patient."
    if usual is not None and frame[usual].str.lower().str.endswith(ENDINGS).all():
        return None, f"The column `{usual}` holds names of files: patients are unknown."
    return usual, ""


def describe_last_parts(ids: "pd.Series[str]") -> str:
    """Return a sentence where ids of one person may be several, by their last part: `P1_1`, `P1_2`.

    There are then few such parts, of more ids than parts.
    """
    parts = pd.Series(ids.unique()).str.extract(r"(.+)[-_](\w+)")
    n_ids, n_stems, last = len(parts), parts[0].nunique(), sorted(parts[1].dropna().unique())
    if parts.isna().any(axis=None) or not len(last) < n_stems < n_ids or len(last) > _MOST_PARTS:
        return ""
    return (
        f"The {n_ids} ids of `{ids.name}` are {n_stems} without their last part "
        f"({', '.join(last)}): where it is a visit or an image of one person, add to the table "
        "`patient_id`, without it; name it with --patient, which with --pattern stays as it is."
    )


def is_case_id(name: str) -> bool:
    """Return whether a column is called `case_id`, however it is written."""
    return usual_column([name], ROLES["patient"].usual[-1:]) is not None


def are_ids(cells: "pd.Series[str]") -> bool:
    """Return whether each cell is a text or a whole number, as an id is."""
    numbers = numbers_of(cells)
    return bool((np.isnan(numbers) | (numbers == np.round(numbers))).all())
