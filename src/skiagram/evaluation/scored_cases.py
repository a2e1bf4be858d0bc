"""Labels and scores as users have them become cases to compare, or one line says why not."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skiagram.errors import DataError
from skiagram.evaluation.score_comparison import Column, ScoredCases


def as_scored_cases(
    labels: Any,
    columns: Mapping[str, Any],
    *,
    patients: Any = None,
    positive: Any = None,
    readers: Mapping[str, Any] | None = None,
    subgroups: Any = None,
    sites: Any = None,
    folds: Any = None,
) -> ScoredCases:
    """Return checked cases; arguments are those of `skiagram.compare`.

    Raises:
        DataError: Unequal lengths, a missing number, labels that are not two classes.
    """
    whether, classes = _labels(labels, positive)
    number = len(whether)
    if len(columns) < 2:
        raise DataError(f"{len(columns)} columns of scores", where="scores", allowed="two, or more")
    given = {name: _numbers(values, name, number) for name, values in columns.items()}
    read = {name: _numbers(values, name, number) for name, values in (readers or {}).items()}
    if clash := given.keys() & read.keys():
        raise DataError(f"`{min(clash)}` is a score and a reader", where="readers")
    patient = np.arange(number) if patients is None else _groups(patients, "patients", number)
    return ScoredCases(
        label=whether,
        patient=patient.astype(np.int64),
        classes=classes,
        columns=given,
        readers=read,
        fit=None if folds is None else _groups(folds, "folds", number),
        subgroups=_table(subgroups, number),
        site=None if sites is None else _texts(sites, "sites", number),
    )


def _labels(labels: Any, positive: Any) -> tuple[NDArray[np.bool_], tuple[str, str]]:
    known = pd.Series(np.asarray(labels).ravel())
    if known.isna().any():
        row = int(known.isna().to_numpy().argmax())
        found = f"{int(known.isna().sum())} labels are missing, the first in row {row}"
        raise DataError(found, where="labels", allowed="a label for every row")
    values = sorted(known.unique().tolist(), key=str)
    listed = ", ".join(map(str, values[:6]))
    if len(values) != 2:
        few = f"one class alone ({listed})" if values else "no labels"
        raise DataError(
            f"{len(values)} classes ({listed})" if len(values) > 2 else few,
            where="labels",
            allowed="two classes, both present",
            remedy="compare one class against the rest, for example labels == 'malignant'"
            if len(values) > 2
            else "add cases of the other class",
        )
    if positive is None:
        if {float(value) if _is_number(value) else None for value in values} != {0.0, 1.0}:
            raise DataError(
                f"labels are {listed}",
                where="labels",
                allowed="0 and 1, 1 for the condition looked for",
                remedy=f"or say which is looked for, for example positive={values[-1]!r}",
            )
        positive = next(value for value in values if float(value) == 1)
    chosen = [value for value in values if str(value) == str(positive)]
    if not chosen:
        raise DataError(f"no label is {positive}", where="positive", allowed=listed)
    other = next(value for value in values if value != chosen[0])
    return (known == chosen[0]).to_numpy(dtype=np.bool_), (str(other), str(chosen[0]))


def _is_number(value: Any) -> bool:
    return isinstance(value, (bool, int, float)) or str(value) in ("0", "1")


def _numbers(values: Any, name: str, number: int) -> Column:
    _check_length(values, name, number)
    cells = pd.Series(np.asarray(values).ravel())
    numbers = pd.to_numeric(cells, errors="coerce").to_numpy(dtype=np.float64)
    bad = ~np.isfinite(numbers)
    if bad.any():
        row = int(bad.argmax())
        first: str = "" if pd.isna(cells[row]) else f" (`{cells[row]}`)"
        comma = "," in first
        raise DataError(
            f"{int(bad.sum())} scores are missing, infinite or no number, the first in row {row}"
            f"{first}",
            where=name,
            allowed="a finite number, with a decimal point, for every row",
            remedy="replace the decimal commas by points"
            if comma
            else "leave these rows out of all columns, and say so where you report the result",
        )
    return numbers


def _texts(values: Any, name: str, number: int) -> NDArray[np.str_]:
    _check_length(values, name, number)
    given = pd.Series(np.asarray(values).ravel())
    if given.isna().any() or (given.astype(str) == "").any():
        found = "a row without a value"
        raise DataError(found, where=name, allowed="a value for every row")
    return given.astype(str).to_numpy(dtype=str)


def _groups(values: Any, name: str, number: int) -> NDArray[np.int64]:
    return np.unique(_texts(values, name, number), return_inverse=True)[1].astype(np.int64)


def _table(subgroups: Any, number: int) -> pd.DataFrame | None:
    if subgroups is None:
        return None
    table = pd.DataFrame(subgroups)
    _check_length(table, "subgroups", number)
    return table


def _check_length(values: Any, name: str, number: int) -> None:
    if len(values) != number:
        found = f"{len(values)} values"
        raise DataError(found, where=name, allowed=f"{number}, as there are labels")
