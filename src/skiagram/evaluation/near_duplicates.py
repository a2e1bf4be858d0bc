"""Reported cases that a model may have seen in all but name."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skiagram.evaluation.labelled_cases import LabelledCases
from skiagram.records import Cases


def mark_near_duplicates(
    reported: LabelledCases, cases: Cases, duplicates: pd.DataFrame
) -> NDArray[np.bool_]:
    """Mark reported cases with a near duplicate or transformed copy among the development cases.

    Under cross-validation, where a case is both, only that of another patient counts: a
    patient's own images never stand on both sides.

    Args:
        reported: The reported cases.
        cases: The whole case table.
        duplicates: Columns `first`, `second`: case ids of near duplicates and transformed copies.

    Returns:
        (n,) bool, in the order of `reported`.
    """
    patient = dict(zip(cases.case_id.tolist(), cases.patient_id.tolist(), strict=True))
    development = set(cases.development().case_id.tolist())
    pairs = _both_ways(duplicates)
    marked = {
        one
        for one, other in pairs
        if other in development and (one not in development or patient[one] != patient[other])
    }
    return np.array([case in marked for case in reported.case_id.tolist()], dtype=np.bool_)


def count_label_conflicts(known: dict[str, int], duplicates: pd.DataFrame) -> int:
    """Count pairs of near duplicates or transformed copies whose labels differ.

    Args:
        known: Case id → label.
        duplicates: Columns `first`, `second`: case ids of near duplicates and transformed copies.
    """
    pairs = zip(duplicates["first"].tolist(), duplicates["second"].tolist(), strict=True)
    return sum(known[one] != known[other] for one, other in pairs)


def _both_ways(duplicates: pd.DataFrame) -> list[tuple[str, str]]:
    first, second = duplicates["first"].tolist(), duplicates["second"].tolist()
    return [*zip(first, second, strict=True), *zip(second, first, strict=True)]
