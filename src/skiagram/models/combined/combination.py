"""What all combinations share: members put on one scale, a weight a member, a weighted mean.

Members' scores have scales of their own, so each is calibrated first (Platt), fit by fit, on the
labels that the combination is fitted to. Labels of held-out cases thus play no part in it.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass as plain_dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass

from skiagram.calibration.scaling import Scaling, average_scaling, fit_platt
from skiagram.errors import ModelFailure
from skiagram.models.combined.member_scores import MemberScores
from skiagram.models.contract import Arm, FitContext, FitSummary, Labelled
from skiagram.options import STRICT
from skiagram.records import write_record

COMBINATION = "combination.json"
Mean = Literal["probability", "log_odds"]
_LEAST = 1e-15  # probability, so that its logarithm is finite


@dataclass(**STRICT)
class Combination(ABC):
    """Members and how they are put together.

    Attributes:
        members: Option files of models of the same run.
    """

    kind: ClassVar[str]
    arm: ClassVar[Arm] = "combined"
    uses_validation: ClassVar[bool] = False

    members: Annotated[tuple[str, ...], Field(min_length=2)]

    @property
    def title(self) -> str:
        """Return the name for people."""
        return f"{self.kind} of {', '.join(self.members)}"

    @abstractmethod
    def weights(
        self, log_probability: NDArray[np.float64], label: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Return (members,) weights, ≥ 0.

        Args:
            log_probability: (n, members, n_classes), out-of-fold, calibrated.
            label: (n,) int64.
        """

    @property
    @abstractmethod
    def averaged(self) -> Mean:
        """Return what the weighted mean is taken of."""

    def fit(
        self,
        training: Labelled[MemberScores],
        validation: Labelled[MemberScores] | None,
        context: FitContext,
    ) -> "FittedCombination":
        """Calibrate the members and weigh them.

        Raises:
            ModelFailure: A class has no training case.
        """
        absent = set(range(training.n_classes)) - set(training.label.tolist())
        if absent:
            raise ModelFailure(f"class {min(absent)} has no training case", where=self.title)
        scores, label = training.inputs.scores, training.label
        own = np.empty_like(scores)
        means = []
        for member in range(scores.shape[1]):
            scalings = []
            for rows in _fits(training.inputs):
                scaling = fit_platt(scores[rows, member], label[rows])
                own[rows, member] = scaling.probabilities(scores[rows, member])
                scalings.append(scaling)
            means.append(average_scaling(scalings))
        weights = self.weights(np.log(np.maximum(own, _LEAST)), label)
        return FittedCombination(
            tuple(means), tuple(weights.tolist()), self.averaged, images=len(training)
        )


def _fits(inputs: MemberScores) -> Iterator[NDArray[np.int64]]:
    for one in np.unique(inputs.fit):
        yield np.flatnonzero(inputs.fit == one)


@plain_dataclass(frozen=True)
class FittedCombination:
    """Calibrated and weighted members.

    Attributes:
        calibrations: One a member: the mean over the fits of its training scores.
        weights: One a member, ≥ 0.
        averaged: What the weighted mean is taken of.
        images: Cases that it was fitted to.
    """

    calibrations: tuple[Scaling, ...]
    weights: tuple[float, ...]
    averaged: Mean
    images: int

    @property
    def summary(self) -> FitSummary:
        """Return the cost beyond that of the members."""
        learned = len(self.weights) + sum(1 + one.n_classes for one in self.calibrations)
        return FitSummary(parameters=learned, multiply_adds=None, images_seen=self.images)

    def scores(self, inputs: MemberScores) -> NDArray[np.float64]:
        """Return (n, n_classes) float64: weighted log-probabilities, or the log of their mean."""
        calibrated = [
            one.probabilities(inputs.scores[:, member])
            for member, one in enumerate(self.calibrations)
        ]
        probability = np.maximum(np.stack(calibrated, axis=1), _LEAST)
        weights = np.array(self.weights)
        if self.averaged == "log_odds":
            return _weighted(np.log(probability), weights)
        return np.log(_weighted(probability, weights))

    def save(self, folder: Path) -> None:
        """Write `combination.json`."""
        write_record(self, folder / COMBINATION)


def _weighted(values: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    weighted: NDArray[np.float64] = np.einsum("nmk,m->nk", values, weights)
    return weighted
