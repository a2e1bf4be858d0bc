"""A model's figures on a part of the reported cases."""

from dataclasses import dataclass

from skiagram.evaluation.records.estimate import Estimate


@dataclass(frozen=True)
class Subgroup:
    """Reported cases that share a value of a column.

    Attributes:
        column: Name of the column.
        value: Its value, or its range where numbers were cut at tertiles.
        cases: Number of cases.
        patients: Class name → patients with a case of it.
        metrics: `roc_auc` and, when binary, `sensitivity` and `specificity` at the threshold fixed
            on out-of-fold scores.
        warning: Why not to trust it; empty when there is no such reason.
    """

    column: str
    value: str
    cases: int
    patients: dict[str, int]
    metrics: dict[str, Estimate]
    warning: str = ""
