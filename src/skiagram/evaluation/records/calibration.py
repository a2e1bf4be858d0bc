"""How far probabilities mean what they say, and what deciding by them is worth."""

from dataclasses import dataclass

from skiagram.evaluation.records.estimate import Estimate


@dataclass(frozen=True)
class ReliabilityBin:
    """Cases with similar probabilities.

    Attributes:
        predicted: Their mean probability.
        observed: Share of them that are positive; with more than two classes, share whose most
            probable class is the true one.
        cases: Number of cases.
    """

    predicted: float
    observed: Estimate
    cases: int


@dataclass(frozen=True)
class BrierParts:
    """Brier score = reliability − resolution + uncertainty, means over repeats.

    Attributes:
        reliability: What recalibration would save; 0 is perfect.
        resolution: What the recalibrated probabilities save against the prevalence alone.
        uncertainty: Brier score of the prevalence.
    """

    reliability: float
    resolution: float
    uncertainty: float


@dataclass(frozen=True)
class CalibrationResult:
    """Agreement of probabilities with what was true, on the reported cases.

    Attributes:
        reliability: Bins of equal numbers of cases, by ascending probability.
        brier: Decomposition; None when not binary.
        intercept: Calibration in the large, log-odds; 0 is perfect, below 0 too high probabilities.
        slope: Of the true log-odds on the predicted ones; 1 is perfect, below 1 too extreme.
        expected_to_observed: Expected over observed number of positives; 1 is perfect.
    """

    reliability: tuple[ReliabilityBin, ...]
    brier: BrierParts | None
    intercept: Estimate
    slope: Estimate
    expected_to_observed: Estimate


@dataclass(frozen=True)
class DecisionCurve:
    """Net benefit of acting on probabilities, in true positives a case.

    Attributes:
        threshold: Probability from which one would act; it states what a missed positive costs
            against a needless action.
        net_benefit: Of acting on the model.
        low: Lower bound at each threshold.
        high: Upper bound at each threshold.
        act_on_all: Net benefit of acting on everybody; acting on nobody has 0.
    """

    threshold: tuple[float, ...]
    net_benefit: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    act_on_all: tuple[float, ...]
