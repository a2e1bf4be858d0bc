"""Several regions of a patient, such as lesions, become one case: the outcome is the patient's.

Which combination tells most is not known beforehand, so a case has several of each feature, and
models of each compete on training folds. Chang et al. 2021, Neuro-Oncology Advances 3, vdab150.
"""

import re
import shlex
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from statistics import fmean

from skiagram.datasets.folder.csv_rows import CsvRow, parse_number, says_number
from skiagram.errors import DataError, OptionError, listed

ALL = "all"  # structures
_STRUCTURE = re.compile(
    r"(?i)structure|(?<![a-z])(roi|voi|region|organ|segment|label|mask|lesion|contour)"
)
_NUMBERED = re.compile(
    r"(?i)(mask|roi|voi|structure|organ|segment|label)([ _]?(label|value|id|no|number))*"
)
COUNT = "regions"  # feature: how many regions the patient has
LARGEST = "largest"
_SUMMARIES: Mapping[str, Callable[[Sequence[float]], float]] = {
    "sum": sum,
    "mean": fmean,
    "highest": max,
}
COMBINATIONS = {  # name before a feature's → what a model reads, in titles
    "sum": "sums over the regions",
    LARGEST: "the largest region",
    "mean": "means over the regions",
    "highest": "the highest values of the regions",
}


def has_combination(features: Sequence[str], kind: str) -> bool:
    """Return whether a table's features are of combined regions, `kind` among them."""
    return COUNT in features and any(name.startswith(f"{kind}_") for name in features)


def originals_of(features: Sequence[str]) -> list[str]:
    """Return the features of regions that a table of combined regions was made of."""
    return [name.removeprefix("sum_") for name in features if name.startswith("sum_")]


def has_several(rows: Sequence[CsvRow], patient: str, constant: Sequence[str]) -> bool:
    """Return whether patients have several rows, and all rows of each agree.

    Args:
        patient: Column of the patient.
        constant: Columns that must not differ within a patient.
    """
    first: dict[str, CsvRow] = {}
    for row in rows:
        first_row = first.setdefault(row.cells[patient], row)
        if any(row.cells[name] != first_row.cells[name] for name in constant):
            return False
    return len(first) < len(rows)


def find_structures(
    rows: Sequence[CsvRow], patient: str | None, others: Collection[str]
) -> str | None:
    """Return the column that tells a patient's rows apart by what they show; None where none does.

    Such as `Structure` with brain, cord and GTV-1 of each patient. Names of files, which no two
    patients share, and numbers that count lesions are none.

    Args:
        patient: Column of the patient; None where nobody knows, and the column's name decides.
        others: Columns that hold something else, such as the label.
    """
    patients = Counter(row.cells[patient] for row in rows if patient is not None)
    several = sum(number > 1 for number in patients.values())
    found = []
    for name in rows[0].cells:
        cells = [row.cells[name] for row in rows]
        kinds = {*cells} - {""}
        called = bool(_STRUCTURE.search(name))
        if name in others or name == patient or not 1 < len(kinds) <= len(rows) / 2:
            continue
        if all(map(says_number, kinds)) and not _NUMBERED.fullmatch(name):
            continue
        if patient is None:
            shared = called and name.casefold() != "label"  # which may be a class, too
        else:
            pairs = {(row.cells[patient], row.cells[name]) for row in rows}
            # Where few patients have several rows, any text may differ between these by chance.
            shared = len(pairs) == len(rows) and several > (0 if called else len(patients) / 2)
        if shared:
            found.append((not called, len(kinds), name))
    return min(found)[2] if found else None


def choose_structures(rows: Sequence[CsvRow], column: str, chosen: Collection[str]) -> list[CsvRow]:
    """Return the rows of some structures.

    Raises:
        OptionError: The column has none of a name, or no structure is named.
    """
    structures = {row.cells[column] for row in rows}
    unknown = [name for name in chosen if name not in structures]
    if unknown or not chosen:
        raise OptionError(
            f"no structure is called {', '.join(unknown)}" if unknown else "names no structure",
            where="--region",
            allowed=f"one or more of the column `{column}`: {list_structures(rows, column)}",
            remedy=ask_for_structure(rows, column),
        )
    return [row for row in rows if row.cells[column] in chosen]


def list_structures(rows: Sequence[CsvRow], column: str) -> str:
    """Return the structures of a column with their rows, the most frequent first."""
    counts = Counter(row.cells[column] for row in rows).most_common()
    return listed(f"{name} ({number})" for name, number in counts)


def ask_for_structure(rows: Sequence[CsvRow], column: str) -> str:
    """Return what to add to a line for one structure, or for all rows of a column."""
    ((first, _),) = Counter(row.cells[column] for row in rows).most_common(1)
    one, every = (shlex.quote(f"{column}={name}") for name in (first, ALL))
    return (
        f"name the structure that the question is about, such as --region {one}; --region {every} "
        "takes every row, for example of lesions"
    )


def combine_regions(
    rows: Sequence[CsvRow],
    patient: str,
    features: Sequence[str],
    constant: Sequence[str],
    volume: str | None,
) -> tuple[list[CsvRow], list[str]]:
    """Return a row a patient, in the order of their first rows, and its features.

    Sums, means and highest values are of the regions that have a value.

    Args:
        rows: One a region.
        patient: Column of the patient.
        features: Columns of numbers.
        constant: Columns that must not differ within a patient; all others are dropped.
        volume: Feature that says which region is the largest; None: none is.

    Raises:
        DataError: Rows of a patient differ in one of the constant columns.
    """
    regions: dict[str, list[CsvRow]] = defaultdict(list)
    for row in rows:
        regions[row.cells[patient]].append(row)
    combined = []
    for patient_rows in regions.values():
        # what is no feature is the patient's, and so the same in every row
        first = patient_rows[0]
        for row in patient_rows[1:]:
            for name in constant:
                if row.cells[name] != first.cells[name]:
                    raise DataError(
                        f"rows of one patient differ in the column `{name}`, first in lines "
                        f"{first.line} and {row.line}",
                        where=row.where,
                        allowed="one value a patient where the regions of a patient are one case",
                        remedy="correct the table, or keep each row a case: --per-patient rows",
                    )
        cells = {name: first.cells[name] for name in (patient, *constant)}
        cells[COUNT] = str(len(patient_rows))
        for kind, value_of in _SUMMARIES.items():
            for name in features:
                values = [parse_number(row.cells[name]) for row in patient_rows if row.cells[name]]
                cells[f"{kind}_{name}"] = repr(value_of(values)) if values else ""
        if volume is not None:
            largest = max(patient_rows, key=lambda row: parse_number(row.cells[volume] or "-inf"))
            cells |= {f"{LARGEST}_{name}": largest.cells[name] for name in features}
        combined.append(replace(first, cells=cells))
    return combined, [name for name in combined[0].cells if name not in (patient, *constant)]
