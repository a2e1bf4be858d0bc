"""Combinations: members put on one scale, a weight per member, a weighted mean.

Members' scores have scales of their own, so each is calibrated first (Platt), fit by fit, on the
labels that the combination is fitted to. Labels of held-out cases thus play no part in it.

Voting: every member counts the same (Kittler et al. 1998, IEEE Trans. PAMI 20(3)). Stacking: a
regression weighs the members by their out-of-fold scores (Wolpert 1992, Neural Networks 5(2));
weights ≥ 0 and a ridge as Breiman 1996, *Stacked Regressions*, Machine Learning 24, advises, here
with the logistic likelihood.
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
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from skiagram.calibration import ScalingCalibration, average_scaling, fit_platt
from skiagram.errors import ModelFailure
from skiagram.models.contract import Arm, FitContext, FitSummary, Labelled
from skiagram.options import STRICT
from skiagram.records import write_record

COMBINATION = "combination.json"
Mean = Literal["probability", "log_odds"]
_LEAST = 1e-15  # probability, so that its logarithm is finite


@plain_dataclass(frozen=True)
class MemberScores:
    """Raw scores of some cases by every member.

    Attributes:
        scores: (n, members, n_classes) float64.
        fit: (n,) int64, which of the members' fits scored the case; only cases of one fit share a
            scale.
    """

    scores: NDArray[np.float64]
    fit: NDArray[np.int64]

    def __len__(self) -> int:
        """Return the number of cases."""
        return len(self.fit)

    def select(self, rows: NDArray[np.int64]) -> "MemberScores":
        """Return the given rows, in the given order."""
        return MemberScores(self.scores[rows], self.fit[rows])

    @classmethod
    def of_one_fit(cls, scores: NDArray[np.float64]) -> "MemberScores":
        """Take (n, members, n_classes) scores that one fit of each member gave."""
        return cls(scores, np.zeros(len(scores), dtype=np.int64))


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
        calibrated = np.empty_like(scores)
        means = []
        for member in range(scores.shape[1]):
            scalings = []
            for rows in _fits(training.inputs):
                scaling = fit_platt(scores[rows, member], label[rows])
                calibrated[rows, member] = scaling.probabilities(scores[rows, member])
                scalings.append(scaling)
            means.append(average_scaling(scalings))
        weights = self.weights(np.log(np.maximum(calibrated, _LEAST)), label)
        return FittedCombination(
            tuple(means), tuple(weights.tolist()), self.averaged, images=len(training)
        )


def _fits(inputs: MemberScores) -> Iterator[NDArray[np.int64]]:
    for fit in np.unique(inputs.fit):
        yield np.flatnonzero(inputs.fit == fit)


@plain_dataclass(frozen=True)
class FittedCombination:
    """Calibrated and weighted members.

    Attributes:
        calibrations: One per member: the mean over the fits of its training scores.
        weights: One per member, ≥ 0.
        averaged: What the weighted mean is taken of.
        images: Cases that it was fitted to.
    """

    calibrations: tuple[ScalingCalibration, ...]
    weights: tuple[float, ...]
    averaged: Mean
    images: int

    @property
    def summary(self) -> FitSummary:
        """Return the cost beyond that of the members."""
        learned = len(self.weights) + sum(
            1 + calibration.n_classes for calibration in self.calibrations
        )
        return FitSummary(parameters=learned, multiply_adds=None, images_seen=self.images)

    def scores(self, inputs: MemberScores) -> NDArray[np.float64]:
        """Return (n, n_classes) float64: weighted log-probabilities, or the log of their mean."""
        calibrated = [
            calibration.probabilities(inputs.scores[:, member])
            for member, calibration in enumerate(self.calibrations)
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


@dataclass(**STRICT)
class Voting(Combination):
    """The mean of the members, nothing weighed.

    Attributes:
        mean: `probability` (sum rule) or `log_odds` (product rule): there one sure member
            outvotes several unsure ones.
    """

    kind: ClassVar[str] = "Mean"

    mean: Mean

    @property
    def averaged(self) -> Mean:
        """Return what the mean is taken of."""
        return self.mean

    def weights(
        self,
        log_probability: NDArray[np.float64],
        label: NDArray[np.int64],
    ) -> NDArray[np.float64]:
        """Return equal weights that sum to 1."""
        members = log_probability.shape[1]
        return np.full(members, 1 / members)


@dataclass(**STRICT)
class Stacking(Combination):
    """Log-odds of the members, weighted by a logistic regression without negative weights.

    Attributes:
        inverse_regularisation: C of the ridge ‖w‖² / (2C), > 0; smaller shrinks the weights more.
    """

    kind: ClassVar[str] = "Stacking"

    inverse_regularisation: Annotated[float, Field(gt=0)]

    @property
    def averaged(self) -> Mean:
        """Return what the weighted sum is taken of."""
        return "log_odds"

    def weights(
        self, log_probability: NDArray[np.float64], label: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Maximise the penalised likelihood over weights and an intercept per class.

        The intercepts are left out of the scores: calibration gives them theirs.
        """
        log_odds = log_probability - log_probability.mean(axis=2, keepdims=True)
        members, n_classes = log_odds.shape[1:]
        one_hot = np.eye(n_classes)[label]

        def loss(theta: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            weights, intercepts = theta[:members], theta[members:]
            logits = np.einsum("nmk,m->nk", log_odds, weights) + intercepts
            residual = softmax(logits, axis=1) - one_hot
            ridge = weights / self.inverse_regularisation
            slope = np.einsum("nmk,nk->m", log_odds, residual) + ridge
            value = (
                -float((one_hot * log_softmax(logits, axis=1)).sum()) + float(weights @ ridge) / 2
            )
            return value, np.concatenate([slope, residual.sum(axis=0)])

        start = np.concatenate([np.full(members, 1 / members), np.zeros(n_classes)])
        bounds = [(0.0, None)] * members + [(-20.0, 20.0)] * n_classes
        optimum = minimize(loss, start, jac=True, bounds=bounds, method="L-BFGS-B")
        weights: NDArray[np.float64] = optimum.x[:members]
        return weights
