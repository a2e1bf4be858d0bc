"""What the study of learning curves found, as plain records."""

from dataclasses import dataclass

from skiagram.evaluation.results import Estimate


@dataclass(frozen=True)
class Band:
    """A fitted learning curve with its 95 % band.

    Attributes:
        cases: Numbers of training cases.
        auc: The curve at each.
        low: Lower bound.
        high: Upper bound.
    """

    cases: tuple[float, ...]
    auc: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True)
class LearningCurve:
    """One model, or the baseline chosen out-of-fold, at every number of training cases.

    Attributes:
        model: Name of the model's option file; `best_baseline` for the chosen one.
        title: Name for people.
        arm: `classical` or `deep`.
        cases: Numbers of training cases with figures, ascending.
        auc: Mean AUC over draws at each, with its interval.
        draws: AUC of each draw at each; a failed fit is None.
        efficiency: (d_a / d_ideal)² at each on generated data, by the mean AUC; else empty.
        band: The fitted power law; None with fewer than three numbers of cases.
        failures: Why fits failed, each reason once.
    """

    model: str
    title: str
    arm: str
    cases: tuple[int, ...]
    auc: tuple[Estimate, ...]
    draws: tuple[tuple[float | None, ...], ...]
    efficiency: tuple[float, ...]
    band: Band | None
    failures: tuple[str, ...]


@dataclass(frozen=True)
class Crossing:
    """Where a network's curve overtakes that of the best baseline.

    Attributes:
        model: The network.
        title: Name for people.
        cases: Number of cases from which its curve stays above; None where it does not within
            reach.
        low: Lower bound of the number; None where even that is beyond reach.
        high: Upper bound; None where it is beyond reach.
        share: Share of bootstrap replicates that cross within reach.
        difference: Network minus best baseline at the most cases tried.
    """

    model: str
    title: str
    cases: float | None
    low: float | None
    high: float | None
    share: float
    difference: Estimate


@dataclass(frozen=True)
class CrossoverResult:
    """What the study found on one data set.

    Attributes:
        dataset: Name of its option file.
        title: Name for people.
        least: Fewest training cases tried.
        most: Most training cases tried.
        reach: Most cases that a statement is made about, twice `most`.
        draws: Draws of nested subsets.
        test_cases: Cases that every fit scored; under `cv`, the mean over draws.
        test_patients: Their patients.
        ideal: The ideal observer's AUC on generated data, else None.
        curves: One a model, the chosen baseline last.
        crossings: One a network.
    """

    dataset: str
    title: str
    least: int
    most: int
    reach: int
    draws: int
    test_cases: int
    test_patients: int
    ideal: Estimate | None
    curves: tuple[LearningCurve, ...]
    crossings: tuple[Crossing, ...]
