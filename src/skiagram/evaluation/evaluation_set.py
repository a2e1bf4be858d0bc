"""What all models of one evaluation are measured against, near duplicates marked."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skiagram.errors import DataError
from skiagram.evaluation.labelled_cases import LabelledCases, label_cases, match_case_ids
from skiagram.records.cases import Cases, Design, Task
from skiagram.records.predictions import Part
from skiagram.statistics.bootstrap import PatientDraws
from skiagram.statistics.delong import Placements, placements


def mark_near_duplicates(
    reported: LabelledCases, cases: Cases, duplicates: pd.DataFrame
) -> NDArray[np.bool_]:
    """Mark reported cases with a near duplicate or transformed copy among the development cases.

    Under cross-validation, where a case is both, only that of another patient counts: a
    patient's own images never stand on both sides.

    Returns:
        (n,) bool, in the order of `reported`.
    """
    patient = dict(zip(cases.case_id.tolist(), cases.patient_id.tolist(), strict=True))
    development = set(cases.development().case_id.tolist())
    pairs = _both_ways(duplicates)
    marked = {
        case
        for case, other in pairs
        if other in development and (case not in development or patient[case] != patient[other])
    }
    return np.array([case in marked for case in reported.case_id.tolist()], dtype=np.bool_)


def count_label_conflicts(known: dict[str, int], duplicates: pd.DataFrame) -> int:
    """Count pairs of near duplicates or transformed copies whose labels differ.

    Args:
        known: Case id → label.
    """
    pairs = zip(duplicates["first"].tolist(), duplicates["second"].tolist(), strict=True)
    return sum(known[case] != known[other] for case, other in pairs)


def _both_ways(duplicates: pd.DataFrame) -> list[tuple[str, str]]:
    first, second = duplicates["first"].tolist(), duplicates["second"].tolist()
    return [*zip(first, second, strict=True), *zip(second, first, strict=True)]


@dataclass(frozen=True)
class EvaluationSet:
    """The cases and what belongs to them, not to a model.

    Attributes:
        has_near_duplicate: (n,) whether a copy of a reported case stands among development cases.
        ideal: (n,) score of the ideal observer on generated data, else None.
    """

    design: Design
    part: Part
    development: LabelledCases
    cases: LabelledCases
    draws: PatientDraws
    has_near_duplicate: NDArray[np.bool_]
    ideal: NDArray[np.float64] | None
    seed: int
    covariates: pd.DataFrame | None = None

    @property
    def sides(self) -> dict[str, LabelledCases]:
        """Return the cases by what they are for."""
        return {"development": self.development, "reported": self.cases}

    def ideal_observer(self, fit: NDArray[np.int64] | None = None) -> Placements | None:
        """Return the placements of the ideal observer, in the pairs in which a model has them."""
        if self.ideal is None:
            return None
        positive = self.cases.label == self.cases.positive
        return placements(self.ideal[None], positive, self.cases.patient, fit=fit)

    def covariates_of_cases(self) -> pd.DataFrame | None:
        """Return one row per reported case, without its id; None where there are no columns."""
        if self.covariates is None:
            return None
        known = self.covariates
        known = known[known["case_id"].isin(self.cases.case_id.tolist())]
        rows = match_case_ids(known["case_id"].tolist(), self.cases.case_id, "covariates")
        return known.drop(columns="case_id").iloc[rows].reset_index(drop=True)


@dataclass(frozen=True)
class CaseTraits:
    """What may tell test from development cases, one row per case; cases may be absent.

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
    learned: NDArray[np.str_] | None = None,
) -> EvaluationSet:
    """Open the seal and line up all that belongs to the reported cases.

    Args:
        sealed: Columns `case_id`, `label` of the test cases; empty under `cv`.
        learned: Development cases that models learned from, where the plan leaves others out.
    """
    _check_pairs(cases, duplicates)
    if learned is not None:
        cases = cases.select((cases.split == "test") | np.isin(cases.case_id, learned))
    nothing = sealed.iloc[:0]
    development = label_cases(cases.development(), task, nothing)
    holdout = task.design == "holdout"
    reported = label_cases(cases.test(), task, sealed) if holdout else development
    return EvaluationSet(
        design=task.design,
        part="test" if holdout else "out_of_fold",
        development=development,
        cases=reported,
        draws=reported.draws(replicates, seed),
        has_near_duplicate=mark_near_duplicates(reported, cases, duplicates),
        ideal=_ideal(reported, truth),
        seed=seed,
        covariates=covariates,
    )


_ALIKE = 0.75


def warn_of_unequal_patients(cases: LabelledCases) -> Iterator[str]:
    """Yield a warning for each class in which a few patients have most of the cases."""
    counts = zip(
        cases.classes,
        cases.patients_by_class(),
        cases.effective_patients_by_class(),
        strict=True,
    )
    for name, patients, effective in counts:
        if effective < _ALIKE * patients:
            yield (
                f"A few patients have most of the cases of class {name}: its {patients} patients "
                f"count like {max(1, round(effective))} with equally many. The intervals allow for "
                "that, and are long; results may hang on these few patients."
            )


def _check_pairs(cases: Cases, duplicates: pd.DataFrame) -> None:
    named = {*duplicates["first"].tolist(), *duplicates["second"].tolist()}
    unknown = sorted(named - set(cases.case_id.tolist()))
    if unknown:
        raise DataError(
            f"{len(unknown)} case ids are unknown: {', '.join(unknown[:3])}",
            where="duplicates",
            allowed="cases of the case table",
            remedy="run the audit again",
        )


def _ideal(cases: LabelledCases, truth: pd.DataFrame | None) -> NDArray[np.float64] | None:
    if truth is None or cases.positive is None or 0 in cases.patients_by_class():
        return None
    rows_of_cases = truth[truth["case_id"].isin(cases.case_id.tolist())]
    rows = match_case_ids(
        rows_of_cases["case_id"].tolist(), cases.case_id, "truth of the generated data"
    )
    return rows_of_cases["ideal_score"].to_numpy(dtype=np.float64)[rows]
