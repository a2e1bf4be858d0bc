"""Cases with their true classes, matched by id; every mismatch is an error, none is repaired."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skiagram.arrays import Flags, Floats, Texts, Whole
from skiagram.errors import refusal
from skiagram.statistics.bootstrap import PatientDraws, draw_patients
from skiagram.statistics.variation import count_cases, degrees_of_freedom
from skiagram.tasks.cases import SEALED, Cases, stack_values
from skiagram.tasks.task import Task


@dataclass(frozen=True)
class LabelledCases:
    """Cases with their true classes.

    Attributes:
        case_id: (n,) str, unique.
        label: (n,) int64 in [0, n_classes).
        patient: (n,) int64, patients numbered from 0.
        positive: Label of the condition looked for; None with more than two classes.
        value: (n,) what is measured of each case; where classes are told apart, the label.
    """

    case_id: Texts
    label: Whole
    patient: Whole
    classes: tuple[str, ...]
    positive: int | None
    value: Floats

    def __len__(self) -> int:
        """Return the number of cases."""
        return len(self.case_id)

    def select(self, rows: Flags) -> "LabelledCases":
        """Select the marked cases; patients are numbered anew.

        Args:
            rows: (n,) which.
        """
        chosen = self._take(rows)
        patient = np.unique(chosen.patient, return_inverse=True)[1].astype(np.int64)
        return replace(chosen, patient=patient)

    def of(self, case_ids: Sequence[str], where: str) -> "LabelledCases":
        """Select the named cases in the given order; patients keep their numbers.

        Args:
            case_ids: Each of them known.
            where: What a message calls the place that names them.

        Raises:
            DataError: A case is unknown.
        """
        rows = pd.Index(self.case_id.tolist()).get_indexer(pd.Index(case_ids))
        if (rows < 0).any():
            first = case_ids[int(np.argmin(rows))]
            number = int((rows < 0).sum())
            raise refusal("evaluation.unknown_cases", where, number=number, first=first)
        return self._take(rows)

    def _take(self, rows: NDArray[Any]) -> "LabelledCases":
        return replace(
            self,
            case_id=self.case_id[rows],
            label=self.label[rows],
            patient=self.patient[rows],
            value=self.value[rows],
        )

    @property
    def is_positive(self) -> Flags:
        """(n,) which cases have the condition looked for."""
        return np.asarray(self.label == self.positive)

    @property
    def patients(self) -> int:
        """The number of patients."""
        return len(count_cases(self.patient))

    def draws(self, replicates: int, seed: int) -> PatientDraws:
        """Draw the patients with replacement.

        Args:
            replicates: How many resamples.
            seed: Of the draws.

        Returns:
            The draws with the patients of the rarest class and degrees of freedom, which bound how
            short an interval may be.
        """
        smallest = max(1, min(self.patients_by_class().values()))
        degrees = degrees_of_freedom(self.patient, self.label)
        return draw_patients(self.patient, smallest, replicates, seed, degrees)

    def patients_by_class(self) -> dict[str, int]:
        """Return class name → number of patients with a case of it."""
        return {
            name: len(count_cases(self.patient[self.label == k]))
            for k, name in enumerate(self.classes)
        }

    def count_by_class(self) -> dict[str, int]:
        """Count the cases of each class: class name → number."""
        return {name: int((self.label == k).sum()) for k, name in enumerate(self.classes)}


def line_up(table: pd.DataFrame, case_id: Texts, where: str) -> pd.DataFrame:
    """Return the rows of a table in the order of the cases, each of which has one.

    Raises:
        DataError: A case without a row or with several, or a row of another case.
    """
    # Every case once, and no other one.
    index, cases = pd.Index(table["case_id"].tolist()), pd.Index(case_id.tolist())
    problems = {
        "doubled": index[index.duplicated()].unique(),
        "unknown": index[~index.isin(cases)],
        "missing": cases[~cases.isin(index)],
    }
    for problem, ids in problems.items():
        if len(ids):
            number, first = len(ids), ", ".join(sorted(ids)[:3])
            raise refusal(
                "evaluation.cases_not_once", where, number=number, problem=problem, first=first
            )
    rows: pd.DataFrame = table.iloc[index.get_indexer(cases)]
    return rows


def select_rows(table: pd.DataFrame | None, case_id: Texts, where: str) -> pd.DataFrame | None:
    """Select one row a case, in their order, without its id; None where there is no table.

    Args:
        table: With the column `case_id`; other cases may be in it.
        case_id: (n,) of the cases.
        where: What a message calls the table.

    Raises:
        DataError: A case has no row, or several.
    """
    if table is None:
        return None
    table = line_up(table[table["case_id"].isin(case_id.tolist())], case_id, where)
    return table.drop(columns="case_id").reset_index(drop=True)


def label_cases(cases: Cases, task: Task, labels: pd.DataFrame) -> LabelledCases:
    """Open the seal: give some cases the labels of a table, and the values where there are any.

    Args:
        labels: Columns `case_id`, `label` and, of an outcome that is measured, `value`; the sealed
            cases exactly.
    """
    label, value = cases.label.copy(), None if cases.value is None else cases.value.copy()
    # Only sealed labels are filled in: the others are known.
    sealed = cases.label == SEALED
    labels = line_up(labels, cases.case_id[sealed], "sealed labels")
    label[sealed] = labels["label"].to_numpy(dtype=np.int64)
    if value is not None and sealed.any():
        value[sealed] = stack_values(labels["value"])
    if task.predicted.has_value and value is None:
        raise refusal("evaluation.no_values")
    # A label outside the classes would count as another class.
    outside = (label < 0) | (label >= len(task.predicted.classes))
    if outside.any():
        raise refusal(
            "evaluation.label_outside",
            label=label[outside][0],
            case=cases.case_id[outside][0],
            last=len(task.predicted.classes) - 1,
        )
    if value is None:
        value = label.astype(np.float64)
    patient = np.unique(cases.patient_id, return_inverse=True)[1].astype(np.int64)
    return LabelledCases(
        cases.case_id, label, patient, task.predicted.classes, task.predicted.positive, value
    )


def count_label_conflicts(
    development: LabelledCases, reported: LabelledCases, duplicates: pd.DataFrame
) -> int:
    """Count pairs of near duplicates or transformed copies whose labels differ.

    Args:
        duplicates: Columns `first`, `second`: case ids.
    """
    label = {
        case_id: label
        for cases in (development, reported)
        for case_id, label in zip(cases.case_id.tolist(), cases.label.tolist(), strict=True)
    }
    pairs = zip(duplicates["first"].tolist(), duplicates["second"].tolist(), strict=True)
    return sum(label[first] != label[second] for first, second in pairs)
