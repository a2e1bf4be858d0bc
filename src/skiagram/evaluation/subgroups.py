"""A model's figures on parts of the reported cases, by any column known of them."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skiagram.evaluation.bootstrap import draw_patients
from skiagram.evaluation.evaluation_set import EvaluationSet
from skiagram.evaluation.labelled_cases import LabelledCases, match_case_ids
from skiagram.evaluation.metrics import estimate_auc, estimate_operating_point
from skiagram.evaluation.results import Estimate, Subgroup
from skiagram.evaluation.scores import Scores

FEW_PATIENTS = 20
MOST_VALUES = 12
FEW_NUMBERS = 6
LEAST_PATIENTS = 5  # a text of fewer could tell who they are
RARE = f"texts of fewer than {LEAST_PATIENTS} patients"
_MISSING = "not known"


def measure_subgroups(
    scores: Scores, ground: EvaluationSet, covariates: pd.DataFrame
) -> tuple[Subgroup, ...]:
    """Measure a model on the cases that share a value of a column, column after column.

    A subgroup's figures say how the model does there; that they differ between subgroups is shown
    only by intervals far apart, and many subgroups are looked at.

    Args:
        scores: The model's scores on the reported cases.
        ground: What the model is measured against.
        covariates: `case_id` and any columns; a row at least for every reported case.

    Raises:
        DataError: A reported case has no row, or several.
    """
    known = covariates[covariates["case_id"].isin(ground.cases.case_id.tolist())]
    rows = match_case_ids(known["case_id"].tolist(), ground.cases.case_id, "covariates")
    table = known.drop(columns="case_id").iloc[rows].reset_index(drop=True)
    return tuple(
        _subgroup(str(column), value, members, scores, ground)
        for column in table.columns
        for value, members in split_by_value(table[column], ground.cases.patient)
    )


def split_by_value(
    values: pd.Series, patient: NDArray[np.int64] | None = None
) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Yield the values of a column with the (n,) rows that have them; unknown ones come last.

    Numbers of more than six kinds are cut at their tertiles; of other columns every value is a
    part, unless they are more than twelve, when none is. Texts that fewer than five patients have
    are one part together, without their names: a report is read by others.

    Args:
        values: (n,) the column.
        patient: (n,) patients; None where each row is a patient of its own and no text is rare.
    """
    missing = values.isna().to_numpy(dtype=bool)
    present = values[~missing]
    numbers = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    if numbers and present.nunique() > FEW_NUMBERS:
        yield from _tertiles(values.to_numpy(dtype=np.float64), missing)
    elif present.nunique() > MOST_VALUES:
        yield f"{present.nunique()} values", np.zeros(len(values), dtype=bool)
    else:
        rare = np.zeros(len(values), dtype=bool)
        for value in sorted(present.unique().tolist()):
            members = (values == value).to_numpy(dtype=bool)
            if isinstance(value, str) and patient is not None:
                few = len(np.unique(patient[members])) < LEAST_PATIENTS
            else:
                few = False
            if few:
                rare |= members
            else:
                yield str(value), members
        if rare.any():
            yield RARE, rare
    if missing.any():
        yield _MISSING, missing


def _tertiles(
    values: NDArray[np.float64], missing: NDArray[np.bool_]
) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    low, high = np.quantile(values[~missing], [1 / 3, 2 / 3])
    below, above = values <= low, values > high
    between = ~missing & ~below & ~above
    named = ((f"≤ {low:g}", below), (f"> {low:g} to {high:g}", between), (f"> {high:g}", above))
    yield from ((name, members) for name, members in named if members.any())


def _subgroup(
    column: str, value: str, members: NDArray[np.bool_], scores: Scores, ground: EvaluationSet
) -> Subgroup:
    cases = ground.cases.select(members)
    patients = dict(zip(cases.classes, cases.patients_by_class(), strict=True))
    if not members.any():
        reason = f"more than {MOST_VALUES} different values are not analysed one by one"
        return Subgroup(column, value, 0, patients, {}, reason)
    found = _figures(scores.select(members), cases, ground)
    smallest = min(patients, key=lambda name: patients[name])
    few = patients[smallest] < FEW_PATIENTS
    warning = (
        f"only {patients[smallest]} patients of class {smallest}, fewer than {FEW_PATIENTS}"
        if few
        else ""
    )
    return Subgroup(column, value, len(cases), patients, found, warning)


def _figures(scores: Scores, cases: LabelledCases, ground: EvaluationSet) -> dict[str, Estimate]:
    smallest = max(1, min(cases.patients_by_class()))
    draws = draw_patients(
        cases.patient, smallest, len(ground.draws.counts), ground.seed, cases.degrees_of_freedom()
    )
    return {
        "roc_auc": estimate_auc(scores, cases, draws),
        **estimate_operating_point(scores, cases),
    }
