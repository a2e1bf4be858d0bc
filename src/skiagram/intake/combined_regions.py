"""Several regions of a patient, such as lesions, become one case: the outcome is the patient's.

Which combination tells most is not known beforehand, so a case has several of each feature, and
models of each compete on training folds. Chang et al. 2021, Neuro-Oncology Advances 3, vdab150.
"""

import re
import shlex
import warnings
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np
import pandas as pd

from skiagram.arrays import Floats
from skiagram.datasets.folder.table import read_features
from skiagram.errors import listed, refusal
from skiagram.tables.frames import are_numbers, row_at, texts_of

ALL = "all"  # structures
_STRUCTURE = re.compile(
    r"(?i)structure|(?<![a-z])(roi|voi|region|organ|segment|label|mask|lesion|contour)"
)
_NUMBERED = re.compile(
    r"(?i)(mask|roi|voi|structure|organ|segment|label)([ _]?(label|value|id|no|number))*"
)
_VOLUME = re.compile(r"(?i)volume$|volume_mesh$")
COUNT = "regions"  # feature: how many regions the patient has
LARGEST = "largest"
_SUMMARIES: Mapping[str, Callable[..., Floats]] = {
    "sum": np.nansum,
    "mean": np.nanmean,
    "highest": np.nanmax,
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


def find_volume(features: Sequence[str]) -> str | None:
    """Return the feature that is the region's volume, by its name; None where none is."""
    return next(filter(_VOLUME.search, features), None)


def originals_of(features: Sequence[str]) -> list[str]:
    """Return the features of regions that a table of combined regions was made of."""
    return [name.removeprefix("sum_") for name in features if name.startswith("sum_")]


def has_several(frame: pd.DataFrame, patient: str, constant: Sequence[str]) -> bool:
    """Return whether patients have several rows, and all rows of each agree.

    Args:
        patient: Column of the patient.
        constant: Columns that must not differ within a patient.
    """
    patients = frame[patient].nunique()
    agree = len(frame[[patient, *constant]].drop_duplicates()) == patients
    return agree and patients < len(frame)


def find_structures(
    frame: pd.DataFrame, patient: str | None, others: Collection[str]
) -> str | None:
    """Return the column that tells a patient's rows apart by what they show; None where none does.

    Such as `Structure` with brain, cord and GTV-1 of each patient. Names of files, which no two
    patients share, and numbers that count lesions are none.

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
        if not _NUMBERED.fullmatch(name) and are_numbers(frame[name]):
            continue
        kinds = len({*frame[name]} - {""})
        if not 1 < kinds <= len(frame) / 2:
            continue
        if patient is None:
            shared = called and name.casefold() != "label"  # which may be a class, too
        else:
            pairs = frame[[patient, name]].drop_duplicates()
            # Where few patients have several rows, any text may differ between these by chance.
            enough = 0 if called else len(rows_of_patient) / 2
            shared = len(pairs) == len(frame) and several > enough
        if shared:
            found.append((not called, kinds, name))
    return min(found)[2] if found else None


def choose_structures(frame: pd.DataFrame, column: str, chosen: Collection[str]) -> pd.DataFrame:
    """Return the rows of some structures.

    Raises:
        OptionError: The column has none of a name, or no structure is named.
    """
    structures = {*frame[column]}
    unknown = [name for name in chosen if name not in structures]
    if unknown or not chosen:
        raise refusal(
            "intake.unknown_structure",
            found=f"no structure is called {', '.join(unknown)}"
            if unknown
            else "names no structure",
            column=column,
            structures=list_structures(frame, column),
            remedy=ask_for_structure(frame, column),
        )
    return frame[frame[column].isin([*chosen])]


def list_structures(frame: pd.DataFrame, column: str) -> str:
    """Return the structures of a column with their rows, the most frequent first."""
    counts = Counter(frame[column].tolist()).most_common()
    return listed(f"{name} ({number})" for name, number in counts)


def ask_for_structure(frame: pd.DataFrame, column: str) -> str:
    """Return what to add to a line for one structure, or for all rows of a column."""
    ((first, _),) = Counter(frame[column].tolist()).most_common(1)
    one, every = (shlex.quote(f"{column}={name}") for name in (first, ALL))
    return (
        f"name the structure that the question is about, such as --region {one}; --region {every} "
        "takes every row, for example of lesions"
    )


def combine_regions(
    frame: pd.DataFrame,
    patient: str,
    features: Sequence[str],
    constant: Sequence[str],
    volume: str | None,
) -> tuple[pd.DataFrame, list[str]]:
    """Return a row a patient, in the order of their first rows, and its features.

    Sums, means and highest values are of the regions that have a value.

    Args:
        frame: A row a region.
        patient: Column of the patient.
        features: Columns of numbers.
        constant: Columns that must not differ within a patient; all others are dropped.
        volume: Feature that says which region is the largest; None: none is.

    Raises:
        DataError: Rows of a patient differ in one of the constant columns.
    """
    # what is no feature is the patient's, and so the same in every row
    first_of = ~frame[patient].duplicated().to_numpy()
    number = pd.factorize(frame[patient])[0]
    first = frame[first_of]
    for name in constant:
        differ = (frame[name].to_numpy() != first[name].to_numpy()[number]).nonzero()[0]
        if len(differ):
            at = int(differ[0])
            lines = first.index[number[at]], frame.index[at]
            raise refusal(
                "intake.regions_differ",
                row_at(frame, at).where,
                name=name,
                line=lines[0],
                other=lines[1],
            )
    # the features of all regions of each, one after the other
    values, _ = read_features(frame, features)
    places = [np.flatnonzero(number == each) for each in range(len(first))]
    parts = {COUNT: np.array([[float(len(rows))] for rows in places])}
    with warnings.catch_warnings(action="ignore"):  # of features without any value
        for kind, value_of in _SUMMARIES.items():
            combined = np.stack([value_of(values[rows], axis=0) for rows in places])
            combined[np.stack([np.isnan(values[rows]).all(axis=0) for rows in places])] = np.nan
            parts[kind] = combined
    if volume is not None:
        sizes = np.nan_to_num(values[:, [*features].index(volume)], nan=-np.inf)
        largest = [rows[sizes[rows].argmax()] for rows in places]
        parts[LARGEST] = values[largest]
    names = [COUNT, *(f"{kind}_{name}" for kind in [*parts][1:] for name in features)]
    table = pd.DataFrame(np.hstack([*parts.values()]), columns=names, index=first.index)
    return pd.concat([first[[patient, *constant]], table], axis=1), names
