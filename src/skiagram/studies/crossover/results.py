"""What the study of learning curves found, as plain records."""

from dataclasses import dataclass
from typing import Literal

from skiagram.evaluation.results import Estimate
from skiagram.studies.results import StudiedDataSet, StudiedModel

SURE = 0.975  # share of resamples that must cross, or must not, before either is said

Answer = Literal["overtakes", "does not overtake", "open"]


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
class LearningCurve(StudiedModel):
    """One model at every number of training cases; `best_baseline` is chosen out-of-fold.

    Attributes:
        cases: Numbers of training cases with figures, ascending.
        auc: Mean AUC over the draws that have a fit at each, with its interval; without one where
            a single draw has.
        draws: AUC of each draw at each; a failed fit is None.
        efficiency: (d_a / d_ideal)² at each on generated data, by the mean AUC; else empty.
        band: The fitted power law; None with fewer than three numbers of cases.
        failures: Why fits failed, each reason once.
    """

    cases: tuple[int, ...]
    auc: tuple[Estimate, ...]
    draws: tuple[tuple[float | None, ...], ...]
    efficiency: tuple[float, ...]
    band: Band | None
    failures: tuple[str, ...]

    @property
    def fits(self) -> tuple[int, ...]:
        """Return in how many draws there is a fit, at each number of cases."""
        return tuple(sum(area is not None for area in row) for row in self.draws)


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
        compared: Numbers of cases at which two draws or more have a fit of both, ascending.
        fits: Draws that have a fit of both, at each; no other draw is compared.
        difference: Network minus best baseline at the last of `compared`.
    """

    model: str
    title: str
    cases: float | None
    low: float | None
    high: float | None
    share: float
    compared: tuple[int, ...]
    fits: tuple[int, ...]
    difference: Estimate

    @property
    def answer(self) -> Answer:
        """Return whether it overtakes within reach; open unless 97.5 % of replicates agree."""
        if self.share >= SURE:
            return "overtakes"
        return "does not overtake" if self.share <= 1 - SURE else "open"


@dataclass(frozen=True)
class CrossoverResult(StudiedDataSet):
    """What the study found on one data set.

    Attributes:
        least: Fewest training cases tried.
        most: Most training cases tried.
        reach: Most cases that a statement is made about, twice `most`.
        draws: Draws of nested subsets.
        test_cases: Cases that every fit scored; under `cv`, the mean over draws.
        test_patients: Their patients.
        ideal: The ideal observer's AUC on generated data, else None.
        curves: One per model, the chosen baseline last.
        crossings: One per network.
    """

    least: int
    most: int
    reach: int
    draws: int
    test_cases: int
    test_patients: int
    ideal: Estimate | None
    curves: tuple[LearningCurve, ...]
    crossings: tuple[Crossing, ...]
