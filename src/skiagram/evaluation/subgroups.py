"""A model's figures on parts of the reported cases, and their differences from all other cases.

Each figure's own interval is asymmetric and keeps its coverage in small parts, so the interval of a
difference is put together from the two (Zou & Donner 2008, *Statistics in Medicine* 27:1693). A
patient with cases on both sides makes the two figures go together.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

from skiagram.arrays import Flags, Whole
from skiagram.evaluation.compared_model import ComparedModel
from skiagram.evaluation.comparisons import correct
from skiagram.evaluation.criteria import FEW_OF_A_PART
from skiagram.evaluation.evaluation_set import EvaluationSet
from skiagram.evaluation.figure_table import FigureRow, make_row
from skiagram.evaluation.labelled_cases import LabelledCases
from skiagram.evaluation.metrics import call_positive, estimate_operating_point
from skiagram.evaluation.results import CASES, OTHERS, SUBGROUPS, Part, patients_of
from skiagram.statistics.linearised import Linearised, difference_of_groups, share
from skiagram.tasks.cases import name_groups


def _measure_side(members: Flags, model: ComparedModel) -> dict[str, Linearised]:
    """Measure the figures on some cases; patients keep the numbers that they have among all."""
    group, patient = model.select(members), model.scored.patient[members]
    figures: dict[str, Linearised] = {}
    # The AUC, where the part has cases of both classes.
    if np.isfinite(group.figure.value):
        figures["roc_auc"] = replace(group.figure, patient=patient)
    # Decisions need a threshold.
    called, positive = call_positive(group), group.is_positive
    if called is None:
        return figures
    correct = (called == positive).astype(np.float64)
    for name, side in (("sensitivity", positive), ("specificity", ~positive)):
        if side.any():
            figures[name] = share(correct[:, side], patient[side])
    return figures


# A column of more values is not taken apart; one of more numbers than these few is, in thirds.
MAX_VALUES = 12
FEW_NUMBERS = 6


def rare_texts(least: int) -> str:
    """Return the name of the part that rare texts are put together in."""
    return f"texts of fewer than {least} patients"


def hidden_parts(least: int) -> str:
    """Return the name of the parts that are too small to be shown."""
    return f"hidden: fewer than {least} patients, or fewer of a class"


def measure_subgroups(
    compared: ComparedModel,
    setting: EvaluationSet,
    least: int,
    model: str = "",
) -> tuple[tuple[Part, ...], tuple[FigureRow, ...]]:
    """Measure a model on the cases that share a value of a column, column after column.

    Each part is also compared with all other cases. The p values of a model are corrected together,
    over all columns and figures: among many parts one or two differ by chance.

    Parts with fewer patients than `least`, in all or of a class that they have, are not shown: few
    patients' figures could tell who they are. They stand together in one part without names.

    Returns:
        The parts, and their rows: numbers of cases and patients, `roc_auc` and, of two classes,
        `sensitivity` and `specificity` at the threshold, and these minus those of all others.
    """
    table, parts = setting.covariates, list[Part]()
    if table is None:
        return (), ()
    # The two sides that a row compares are the same test from either side.
    rows: list[FigureRow] = []
    tests: list[object] = []
    for column in map(str, table.columns):
        values = list(split_by_value(table[column], setting.cases.patient, least))
        shown = [each for each in values if not _is_small(each[1], setting.cases, least)]
        for value, members in shown:
            part, of_part = _measure_part(column, value, members, compared, setting, least, model)
            parts.append(part)
            sides = frozenset({members.tobytes(), (~members).tobytes()})
            rows += of_part
            tests += [(row.figure, row.versus, sides) for row in of_part]
        # How many parts are hidden is said, not which.
        if len(shown) < len(values):
            parts.append(Part(column, hidden_parts(least)))
            group = parts[-1].name
            rows.append(make_row(0, SUBGROUPS, CASES, model=model, group=group))
            tests.append(group)
    return tuple(parts), correct(rows, tests)


def _is_small(members: Flags, cases: LabelledCases, least: int) -> bool:
    """Tell whether a class has fewer patients in a group than may be shown, and not none.

    A count of few patients may tell who they are; none tells nobody.
    """
    group = cases.select(members)
    return any(0 < patients < least for patients in group.patients_by_class().values())


def split_by_value(values: pd.Series, patient: Whole, least: int) -> Iterator[tuple[str, Flags]]:
    """Yield the values of a column with the (n,) rows that have them; unknown ones come last.

    Numbers of more than six kinds are cut at their tertiles; of other columns every value is a
    part, unless they are more than twelve, when none is. Texts that few patients have are one part
    together, without their names: a report is read by others.
    """
    missing = values.isna().to_numpy(dtype=bool)
    present = values[~missing]
    numbers = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    # Numbers in thirds, few values each by itself.
    if numbers and present.nunique() > FEW_NUMBERS:
        numbers_of_cases = values.to_numpy(dtype=np.float64)
        low, high = np.quantile(numbers_of_cases[~missing], [1 / 3, 2 / 3])
        below, above = numbers_of_cases <= low, numbers_of_cases > high
        between = ~missing & ~below & ~above
        named = ((f"≤ {low:g}", below), (f"> {low:g} to {high:g}", between), (f"> {high:g}", above))
        yield from ((name, members) for name, members in named if members.any())
    elif present.nunique() > MAX_VALUES:
        yield f"{present.nunique()} values", np.zeros(len(values), dtype=bool)
    else:
        # Texts of few patients go together, under no name of their own.
        rare = np.zeros(len(values), dtype=bool)
        for value in sorted(present.unique().tolist()):
            members = (values == value).to_numpy(dtype=bool)
            if isinstance(value, str) and len(np.unique(patient[members])) < least:
                rare |= members
            else:
                yield name_groups(values[members]).iloc[0], members
        if rare.any():
            yield rare_texts(least), rare
    if missing.any():
        yield "not known", missing


def _measure_part(
    column: str,
    value: str,
    members: Flags,
    compared: ComparedModel,
    setting: EvaluationSet,
    least: int,
    model: str,
) -> tuple[Part, list[FigureRow]]:
    """Measure a part, and its rows; p values are not corrected."""
    # How many cases and patients the part holds.
    cases = setting.cases.select(members)
    patients = cases.patients_by_class()
    part = Part(column, value)
    row = partial(make_row, analysis=SUBGROUPS, model=model, group=part.name)
    rows = [row(len(cases), figure=CASES)]
    rows += [row(number, figure=patients_of(name)) for name, number in patients.items()]
    if not members.any():
        reason = f"more than {MAX_VALUES} different values are not analysed one by one"
        return replace(part, warning=reason), rows
    # The figures of the part.
    inside = compared.select(members)
    rows.append(row(inside.estimate(), figure="roc_auc"))
    for name, estimate in estimate_operating_point(inside).items():
        rows.append(row(estimate, figure=name))
    # Where the other side is hidden, a difference would tell its figure.
    if not _is_small(~members, setting.cases, least):
        own, others = (_measure_side(side, compared) for side in (members, ~members))
        for name in (name for name in own if name in others):
            difference, p = difference_of_groups(own[name], others[name])
            rows.append(row(difference, figure=name, versus=OTHERS, p=p))
    # Small parts are shown with a warning.
    smallest = min(patients, key=lambda name: patients[name])
    if patients[smallest] < FEW_OF_A_PART:
        few = f"only {patients[smallest]} patients of class {smallest}, fewer than {FEW_OF_A_PART}"
        return replace(part, warning=few), rows
    return part, rows
