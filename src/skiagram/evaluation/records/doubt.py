"""How sure a model is of single cases, and whether that can be trusted."""

from dataclasses import dataclass

from skiagram.evaluation.records.estimate import Curve, Estimate


@dataclass(frozen=True)
class PredictionSets:
    """Split-conformal sets of classes on the reported cases.

    Attributes:
        level: Chance, by patient and class, with which a set is to hold the true class.
        coverage: Share of cases whose set holds the true class.
        class_coverage: The same for each class.
        mean_size: Mean number of classes in a set.
        single: Share of cases whose set names one class.
        several: Share of cases whose set leaves several classes open.
        empty: Share of cases unlike every class.
    """

    level: float
    coverage: Estimate
    class_coverage: tuple[Estimate, ...]
    mean_size: float
    single: Estimate
    several: Estimate
    empty: Estimate


@dataclass(frozen=True)
class RiskCoverage:
    """Errors that remain when the least sure cases are referred to a reader.

    Attributes:
        curve: Share of cases kept → share of these that are named wrongly.
        area: Mean of the curve over coverage; lower is better.
    """

    curve: Curve
    area: Estimate
