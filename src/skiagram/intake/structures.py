"""Structures that tell the rows of a patient apart, such as organs and lesions of PyRadiomics."""

import re
from collections import Counter
from collections.abc import Collection

import pandas as pd

from skiagram.errors import listed
from skiagram.tables.frames import are_numbers, texts_of

_STRUCTURE = re.compile(
    r"(?i)structure|(?<![a-z])(roi|voi|region|organ|segment|label|mask|lesion|contour)"
)
_NUMBERED = re.compile(
    r"(?i)(mask|roi|voi|structure|organ|segment|label)([ _]?(label|value|id|no|number))*"
)

_MOST_COUNTED = 12  # visits or lesions of a patient
_BEGUN = 0.8  # of the patients have the first of them


def find_structures(
    frame: pd.DataFrame, patient: str | None, others: Collection[str | None]
) -> tuple[str, str] | None:
    """Return the column that tells a patient's rows apart by what they show; None where none does.

    With it its structures, in words.

    Such as `Structure` with brain, cord and GTV-1 of each patient, or visits and lesions that are
    counted. Names of files, which no two patients share, are none.

    Args:
        patient: Column of the patient; None where nobody knows, and the column's name decides.
        others: Columns that hold something else, such as the label.
    """
    rows_of_patient = [] if patient is None else frame[patient].value_counts().tolist()
    several = sum(number > 1 for number in rows_of_patient)
    found = []
    for name in texts_of(frame):
        called = bool(_STRUCTURE.search(name))
        if name in others or name == patient:
            continue
        kinds = len({*frame[name]} - {""})
        if not 1 < kinds <= len(frame) / 2:
            continue
        # Of numbers those that count the rows of most patients, and not what was measured.
        measured = not _NUMBERED.fullmatch(name) and are_numbers(frame[name])
        if measured:
            begun = frame[name].value_counts().iloc[0]  # patients with a first row
            is_count = kinds <= _MOST_COUNTED and begun >= _BEGUN * len(rows_of_patient)
            if patient is None or not is_count:
                continue
        if patient is None:
            shared = called and name.casefold() != "label"  # which may be a class, too
        else:
            pairs = frame[[patient, name]].drop_duplicates()
            # Where few patients have several rows, any text may differ between these by chance.
            enough = 0 if called and not measured else len(rows_of_patient) / 2
            shared = len(pairs) == len(frame) and several > enough
        if shared:
            found.append((not called, kinds, name))
    if not found:
        return None
    # with their rows, the most frequent first
    *_, column = min(found)
    counts = Counter(frame[column].tolist()).most_common()
    return column, listed(f"{name} ({number})" for name, number in counts)
