"""A model's figures on parts of the reported cases, and their differences from all other cases.

Each figure's own interval is asymmetric and keeps its coverage in small parts, so the interval of a
difference is put together from the two (Zou & Donner 2008, *Statistics in Medicine* 27:1693). A
patient with cases on both sides makes the two figures go together.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skiagram.evaluation.criteria import FEW_OF_A_PART
from skiagram.evaluation.evaluation_set import EvaluationSet
from skiagram.evaluation.figure_table import FigureRow, make_row
from skiagram.evaluation.labelled_cases import LabelledCases
from skiagram.evaluation.metrics import estimate_operating_point, measure_auc
from skiagram.evaluation.results import CASES, OTHERS, SUBGROUPS, Part, patients_of
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.linearised import Linearised, difference_of_groups, share
from skiagram.statistics.significance import correct_by_holm
from skiagram.tasks.scored_cases import ScoredCases

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Patients = NDArray[np.int64]


@dataclass(frozen=True)
class TestedDifference:
    """A difference of two figures with its test.

    Attributes:
        difference: The one minus the other.
        p: Two-sided p value of no difference; None where it cannot be computed.
        p_holm: The same, corrected over its family; None where there is no p value.
    """

    difference: Estimate
    p: float | None
    p_holm: float | None = None


@dataclass(frozen=True)
class Subgroup:
    """Reported cases that share a value of a column.

    Attributes:
        column: Name of the column.
        value: Its value, or its range where numbers were cut at tertiles.
        cases: Number of cases.
        patients: Class name → patients with a case of it.
        metrics: `roc_auc` and, when binary, `sensitivity` and `specificity` at the threshold.
        warning: Why not to trust it; empty when there is no such reason.
        differences: The same figures here minus those on all other reported cases, their p values
            corrected over all subgroups of the model.
    """

    column: str
    value: str
    cases: int
    patients: dict[str, int]
    metrics: dict[str, Estimate]
    warning: str = ""
    differences: dict[str, TestedDifference] = field(default_factory=dict)

    @property
    def part(self) -> Part:
        """Return what it is of, without its figures."""
        return Part(self.column, self.value, self.warning)

    def list_rows(self, model: str) -> Iterator[FigureRow]:
        """Yield its figures, numbers of cases and patients among them, as rows of a model."""
        row = partial(make_row, analysis=SUBGROUPS, model=model, group=self.part.name)
        yield row(Estimate(float(self.cases)), figure=CASES)
        for name, patients in self.patients.items():
            yield row(Estimate(float(patients)), figure=patients_of(name))
        for name, estimate in self.metrics.items():
            yield row(estimate, figure=name)
        for name, tested in self.differences.items():
            of_pair = partial(row, versus=OTHERS, p=tested.p, p_holm=tested.p_holm)
            yield of_pair(tested.difference, figure=name)


def compare_with_rest(
    members: Flags, scores: ScoredCases, cases: LabelledCases
) -> Iterator[tuple[str, Estimate, float | None]]:
    """Yield (metric, part minus rest, p value) of each figure that both sides have.

    Args:
        members: (n,) marks the part.
    """
    inside, outside = (_auc_and_shares(side, scores, cases) for side in (members, ~members))
    for name in inside:
        if name in outside:
            yield name, *difference_of_groups(inside[name], outside[name])


def _auc_and_shares(
    members: Flags, scores: ScoredCases, cases: LabelledCases
) -> dict[str, Linearised]:
    """Return the figures on some cases; patients keep the numbers that they have among all."""
    group, of_members = cases.select(members), scores.select(members)
    patient = cases.patient[members]
    figures: dict[str, Linearised] = {}
    auc = measure_auc(of_members, group)
    if np.isfinite(auc.value):
        figures["roc_auc"] = replace(auc, patient=patient)
    if group.positive is None or np.isnan(of_members.threshold).any():
        return figures
    positive = group.label == group.positive
    called = of_members.estimate[:, :, group.positive] >= of_members.threshold
    correct = (called == positive).astype(np.float64)
    for name, side in (("sensitivity", positive), ("specificity", ~positive)):
        if side.any():
            figures[name] = share(correct[:, side], patient[side])
    return figures


Members = tuple[str, NDArray[np.bool_]]  # a value, and which cases have it
Test = tuple[str, frozenset[bytes]]  # metric, the two sides that are compared

MAX_VALUES = 12
FEW_NUMBERS = 6
MIN_PATIENTS = 5  # fewer could tell who they are
_MISSING = "not known"


def rare_texts(least: int) -> str:
    """Return the name of the part that rare texts are put together in."""
    return f"texts of fewer than {least} patients"


def hidden_parts(least: int) -> str:
    """Return the name of the parts that are too small to be shown."""
    return f"hidden: fewer than {least} patients, or fewer of a class"


def measure_subgroups(
    scores: ScoredCases,
    setting: EvaluationSet,
    least: int = MIN_PATIENTS,
) -> tuple[Subgroup, ...]:
    """Measure a model on the cases that share a value of a column, column after column.

    Each part is also compared with all other cases. The p values of a model are corrected together,
    over all columns and figures: among many parts one or two differ by chance.

    Parts with fewer patients than `least`, in all or of a class that they have, are not shown: few
    patients' figures could tell who they are. They stand together in one row without names.
    """
    table = setting.covariates
    if table is None:
        return ()
    tested: list[tuple[Subgroup, dict[str, Test]]] = []
    for column in table.columns:
        parts = list(split_by_value(table[column], setting.cases.patient, least))
        shown = [part for part in parts if not _is_small(part[1], setting.cases, least)]
        tested += (_subgroup(str(column), part, scores, setting, least) for part in shown)
        if len(shown) < len(parts):
            tested.append((Subgroup(str(column), hidden_parts(least), 0, {}, {}), {}))
    # All p values together; a part against the rest is one test, whichever of them is the part.
    p = {
        test: difference.p
        for part, tests in tested
        for figure, test in tests.items()
        if (difference := part.differences[figure]).p is not None
    }
    holm = dict(zip(p, correct_by_holm(p.values()), strict=True))
    return tuple(
        replace(
            part,
            differences={
                figure: replace(difference, p_holm=holm.get(tests[figure]))
                for figure, difference in part.differences.items()
            },
        )
        for part, tests in tested
    )


def _is_small(members: NDArray[np.bool_], cases: LabelledCases, least: int) -> bool:
    group = cases.select(members)
    return any(0 < patients < least for patients in group.patients_by_class().values())


def split_by_value(
    values: pd.Series, patient: NDArray[np.int64] | None = None, least: int = MIN_PATIENTS
) -> Iterator[Members]:
    """Yield the values of a column with the (n,) rows that have them; unknown ones come last.

    Numbers of more than six kinds are cut at their tertiles; of other columns every value is a
    part, unless they are more than twelve, when none is. Texts that few patients have are one part
    together, without their names: a report is read by others.
    """
    missing = values.isna().to_numpy(dtype=bool)
    present = values[~missing]
    numbers = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
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
        rare = np.zeros(len(values), dtype=bool)
        for value in sorted(present.unique().tolist()):
            members = (values == value).to_numpy(dtype=bool)
            if isinstance(value, str) and patient is not None:
                few = len(np.unique(patient[members])) < least
            else:
                few = False
            if few:
                rare |= members
            else:
                yield str(value), members
        if rare.any():
            yield rare_texts(least), rare
    if missing.any():
        yield _MISSING, missing


def _subgroup(
    column: str, part: Members, scores: ScoredCases, setting: EvaluationSet, least: int
) -> tuple[Subgroup, dict[str, Test]]:
    """Return a part with its figures, and which test each of its differences is."""
    value, members = part
    cases = setting.cases.select(members)
    patients = cases.patients_by_class()
    if not members.any():
        reason = f"more than {MAX_VALUES} different values are not analysed one by one"
        return Subgroup(column, value, 0, patients, {}, reason), {}
    of_part = scores.select(members)
    figures = {
        "roc_auc": measure_auc(of_part, cases).estimate(),
        **estimate_operating_point(of_part, cases),
    }
    smallest = min(patients, key=lambda name: patients[name])
    few = patients[smallest] < FEW_OF_A_PART
    warning = (
        f"only {patients[smallest]} patients of class {smallest}, fewer than {FEW_OF_A_PART}"
        if few
        else ""
    )
    sides = frozenset({members.tobytes(), (~members).tobytes()})
    differences, tests = {}, {}
    if not _is_small(~members, setting.cases, least):  # else it would tell the hidden part's figure
        for name, difference, p in compare_with_rest(members, scores, setting.cases):
            differences[name], tests[name] = TestedDifference(difference, p), (name, sides)
    subgroup = Subgroup(column, value, len(cases), patients, figures, warning, differences)
    return subgroup, tests
