"""Decisions at a threshold that was fixed on out-of-fold scores."""

from dataclasses import dataclass
from typing import Literal

from skiagram.evaluation.records.estimate import Estimate


@dataclass(frozen=True)
class OperatingPoint:
    """What a threshold does on the reported cases.

    Attributes:
        aim: What the threshold keeps on out-of-fold scores.
        level: How much of it.
        threshold: On the calibrated probability of the positive class; mean over fits.
        metrics: `sensitivity`, `specificity`, `positive_predictive_value`,
            `negative_predictive_value`, `balanced_accuracy`, `matthews_correlation`; where the user
            states a prevalence also `positive_predictive_value_at_prevalence` and
            `negative_predictive_value_at_prevalence`.
    """

    aim: Literal["sensitivity", "specificity"]
    level: float
    threshold: float | None
    metrics: dict[str, Estimate]
