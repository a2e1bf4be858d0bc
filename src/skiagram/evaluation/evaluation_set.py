"""What all models of one evaluation are measured against, near duplicates marked."""

from dataclasses import dataclass, field

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
class CaseTraits:
    """What may tell the test set from the development set, one row per case; cases may be absent.

    Attributes:
        features: `case_id` and the extracted features.
        known: `case_id`, `brightness`, `height` and `width` in pixels, and the covariates.
    """

    features: pd.DataFrame
    known: pd.DataFrame


@dataclass(frozen=True)
class EvaluationSet:
    """The cases and what belongs to them, not to a model.

    Attributes:
        has_near_duplicate: (n,) whether a copy of a test case stands among development cases.
        ideal: (n,) score of the ideal observer on generated data, else None.
        covariates: A row a test case, in their order, without ids; None where there are none.
        label_conflicts: Pairs of near duplicates whose classes differ.
        site: (n,) the site of each test case, where sites were held out whole, by the name of their
            column; None where none was, or no column names the sites.
        traits: What may tell the test set from the development set; None does not ask.
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
    site: pd.Series | None = None
    traits: CaseTraits | None = None


@dataclass(frozen=True)
class OpenedCases:
    """Cases whose seal is open, and what lies beside them.

    Attributes:
        sealed: Columns `case_id`, `label` and, where one is measured, `value` of the test cases;
            empty under `cv`.
        truth: Columns `case_id`, `ideal_score` of generated data, else None.
        duplicates: Columns `first`, `second`: case ids of near duplicates and transformed copies.
        covariates: `case_id` and columns whose values define subgroups; None asks for none.
        traits: What may tell the test set from the development set; None does not ask.
    """

    cases: Cases
    task: Task
    sealed: pd.DataFrame
    truth: pd.DataFrame | None = None
    duplicates: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame({"first": [], "second": []})
    )
    covariates: pd.DataFrame | None = None
    traits: CaseTraits | None = None

    @property
    def learned(self) -> Texts | None:
        """Development cases that models learned from; None where the plan leaves none out."""
        return None

    def find_sites(
        self, covariates: pd.DataFrame | None, case_id: Texts, fold_column: str
    ) -> pd.Series | None:
        """Find the site of each reported case, by their covariates; None where nobody asks."""
        return None

    def assemble(self, seed: int, replicates: int, fold_column: str = "") -> EvaluationSet:
        """Line up all that belongs to the reported cases.

        Args:
            seed: Of the resamples of patients.
            fold_column: Whose values made the folds of the plan, if any.
        """
        # Pairs of near duplicates must be of these cases.
        named = {*self.duplicates["first"].tolist(), *self.duplicates["second"].tolist()}
        unknown = sorted(named - set(self.cases.case_id.tolist()))
        if unknown:
            first = ", ".join(unknown[:3])
            raise refusal("evaluation.of_no_case", number=len(unknown), first=first)
        # Where a subset was trained on, the other development cases are left out.
        cases, task = self.cases, self.task
        if self.learned is not None:
            cases = cases.select((cases.split == "test") | np.isin(cases.case_id, self.learned))
        reported = cases.reported(task.design)
        # Reported cases that resemble one of development, before any label is known.
        has_near_duplicate = mark_near_duplicates(reported.case_id, cases, self.duplicates)
        development = label_cases(cases.development(), task, self.sealed.iloc[:0])
        labelled = label_cases(reported, task, self.sealed)
        # Equal images with different labels.
        label_conflicts = 0
        if task.defines("label_conflicts"):
            label_conflicts = count_label_conflicts(development, labelled, self.duplicates)
        # What lies beside the cases, in their order.
        truth = self.truth if task.predicted.has_ideal else None
        truth = select_rows(truth, reported.case_id, "truth of the generated data")
        covariates = select_rows(self.covariates, reported.case_id, "covariates")
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
            site=self.find_sites(covariates, reported.case_id, fold_column),
            traits=self.traits,
        )
