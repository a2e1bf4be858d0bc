"""What all models of one evaluation are measured against, near duplicates marked."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from skiagram.arrays import Flags, Floats, Texts
from skiagram.errors import refusal
from skiagram.evaluation.labelled_cases import (
    LabelledCases,
    count_label_conflicts,
    label_cases,
    select_rows,
)
from skiagram.statistics.bootstrap import PatientDraws
from skiagram.tasks.cases import Cases
from skiagram.tasks.task import Task


def mark_near_duplicates(case_id: Texts, cases: Cases, duplicates: pd.DataFrame) -> Flags:
    """Return (n,) which test cases have a near duplicate or transformed copy in development.

    Under cross-validation, where a case is both, only that of another patient counts: a
    patient's own images never stand on both sides.
    """
    patient = dict(zip(cases.case_id.tolist(), cases.patient_id.tolist(), strict=True))
    development = set(cases.development().case_id.tolist())
    first, second = duplicates["first"].tolist(), duplicates["second"].tolist()
    pairs = [*zip(first, second, strict=True), *zip(second, first, strict=True)]
    marked = {
        case
        for case, other in pairs
        if other in development and (case not in development or patient[case] != patient[other])
    }
    return np.array([case in marked for case in case_id.tolist()], dtype=np.bool_)


@dataclass(frozen=True)
class EvaluationSet:
    """The cases and what belongs to them, not to a model.

    Attributes:
        has_near_duplicate: (n,) whether a copy of a test case stands among development cases.
        ideal: (n,) score of the ideal observer on generated data, else None.
        covariates: A row a test case, in their order, without ids; None where there are none.
        label_conflicts: Pairs of near duplicates whose classes differ.
    """

    task: Task
    development: LabelledCases
    cases: LabelledCases
    draws: PatientDraws
    has_near_duplicate: Flags
    ideal: Floats | None
    seed: int
    covariates: pd.DataFrame | None = None
    label_conflicts: int = 0

    @property
    def near_duplicates(self) -> int:
        """How many test cases have a near duplicate in the development set."""
        return int(self.has_near_duplicate.sum())


@dataclass(frozen=True)
class CaseTraits:
    """What may tell the test set from the development set, one row per case; cases may be absent.

    Attributes:
        features: `case_id` and the extracted features.
        known: `case_id`, `brightness`, `height` and `width` in pixels, and the covariates.
    """

    features: pd.DataFrame
    known: pd.DataFrame


def assemble_evaluation_set(
    cases: Cases,
    task: Task,
    sealed: pd.DataFrame,
    truth: pd.DataFrame | None,
    duplicates: pd.DataFrame,
    seed: int,
    replicates: int,
    covariates: pd.DataFrame | None = None,
    learned: Texts | None = None,
) -> EvaluationSet:
    """Open the seal and line up all that belongs to the test cases.

    Args:
        sealed: Columns `case_id`, `label` and, where one is measured, `value` of the test cases;
            empty under `cv`.
        learned: Development cases that models learned from, where the plan leaves others out.
    """
    # Pairs of near duplicates must be of these cases.
    named = {*duplicates["first"].tolist(), *duplicates["second"].tolist()}
    unknown = sorted(named - set(cases.case_id.tolist()))
    if unknown:
        first = ", ".join(unknown[:3])
        raise refusal("evaluation.of_no_case", number=len(unknown), first=first)
    # Where a subset was trained on, the other development cases are left out.
    if learned is not None:
        cases = cases.select((cases.split == "test") | np.isin(cases.case_id, learned))
    reported = cases.reported(task.design)
    # Reported cases that resemble one of development, before any label is known.
    has_near_duplicate = mark_near_duplicates(reported.case_id, cases, duplicates)
    development = label_cases(cases.development(), task, sealed.iloc[:0])
    labelled = label_cases(reported, task, sealed)
    # Equal images with different labels.
    label_conflicts = 0
    if task.defines("label_conflicts"):
        label_conflicts = count_label_conflicts(development, labelled, duplicates)
    # What lies beside the cases, in their order.
    truth = truth if task.predicted.has_ideal else None
    truth = select_rows(truth, reported.case_id, "truth of the generated data")
    covariates = select_rows(covariates, reported.case_id, "covariates")
    draws = labelled.draws(replicates, seed)
    return EvaluationSet(
        task=task,
        development=development,
        cases=labelled,
        draws=draws,
        has_near_duplicate=has_near_duplicate,
        ideal=None if truth is None else truth["ideal_score"].to_numpy(dtype=np.float64),
        seed=seed,
        covariates=covariates,
        label_conflicts=label_conflicts,
    )
