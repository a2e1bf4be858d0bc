"""Losses of outcomes that are no classes: a network gives one score a case."""

import math
from abc import abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from skiagram.errors import ModelFailure
from skiagram.outcomes.grade import Grade
from skiagram.outcomes.outcome import MeasuredOutcome
from skiagram.training.module import ClassifierTraining
from skiagram.training.options import Training


def cox_loss(score: Tensor, target: Tensor) -> Tensor:
    """Return the mean negative log partial likelihood of a batch (Breslow's for tied times).

    As Katzman et al. 2018, *BMC Medical Research Methodology* 18:24: the risk sets are those of the
    batch. A batch without an event has the loss 0.

    Args:
        score: (n,) log hazard ratios.
        target: (n, 2) time, and 1 for an event or 0 for a censored case.
    """
    time, event = target[:, 0], target[:, 1] > 0
    at_risk = time[None, :] >= time[:, None]
    beyond = torch.where(at_risk, score[None, :], torch.full_like(score, -math.inf)[None, :])
    terms = (beyond.logsumexp(dim=1) - score)[event]
    return terms.sum() / event.sum().clamp(min=1)


def absolute_loss(score: Tensor, target: Tensor) -> Tensor:
    """Return the mean absolute error of (n,) scores from (n, 1) standardised numbers."""
    return torch.nn.functional.l1_loss(score, target[:, 0])


def cumulative_loss(score: Tensor, target: Tensor, cuts: Tensor) -> Tensor:
    """Return the mean cross-entropy of lying above each cut-off of a grade, summed over cut-offs.

    CORAL of Cao, Mirjalili & Raschka 2020, *Pattern Recognition Letters* 140:325: one score with a
    bias a cut-off, so that chances of lying above never rise with the cut-off.

    Args:
        score: (n,), higher = higher grade.
        target: (n, grades − 1), 1 above the cut-off, else 0.
        cuts: (grades − 1,) scores at which the chance is one half.
    """
    logits = score[:, None] - cuts
    return binary_cross_entropy_with_logits(logits, target).mul(len(cuts))


class OutcomeTraining(ClassifierTraining):
    """Trains a network's one output by the loss of an outcome; it logs no accuracy."""

    def __init__(self, *given: Any, outcome: MeasuredOutcome, **named: Any) -> None:
        super().__init__(*given, **named)
        self.outcome = outcome

    @abstractmethod
    def outcome_loss(self, score: Tensor, target: Tensor) -> Tensor:
        """Return the loss of (n,) scores, by (n, columns) of `MeasuredOutcome.target`."""

    def _cross_entropy(self, logits: Tensor, label: Tensor) -> Tensor:
        return self.outcome_loss(logits[:, 0], label)

    def on_validation_epoch_end(self) -> None:
        scores, target = (torch.cat(parts) for parts in zip(*self._validated, strict=True))
        self._validated = []
        loss = self._cross_entropy(scores, target)
        self._check_validation(loss)
        self.log("validation_loss", loss, sync_dist=self.trainer.world_size > 1)


class HazardTraining(OutcomeTraining):
    """Trains a network's one output to be a log hazard ratio."""

    def outcome_loss(self, score: Tensor, target: Tensor) -> Tensor:
        return cox_loss(score, target)


class NumberTraining(OutcomeTraining):
    """Trains a network's one output to be a standardised number."""

    def outcome_loss(self, score: Tensor, target: Tensor) -> Tensor:
        return absolute_loss(score, target)


class GradeTraining(OutcomeTraining):
    """Trains a network's one output, and a cut-off between each two grades.

    Cut-offs begin where they give each grade its share if all scores are 0, and their mean stays:
    scores of two fits lie around the same place, as cut-offs of one are used with another.
    """

    def __init__(self, *given: Any, outcome: Grade, **named: Any) -> None:
        super().__init__(*given, outcome=outcome, **named)
        below = torch.tensor(outcome.shares).cumsum(dim=0)[:-1]
        self.cuts = torch.nn.Parameter(torch.logit(below))
        self.middle = float(torch.logit(below).mean())

    def outcome_loss(self, score: Tensor, target: Tensor) -> Tensor:
        return cumulative_loss(score, target, self.cuts - self.cuts.mean() + self.middle)


# Kind of an outcome → what trains a network for it.
OF_OUTCOME: dict[str, type[OutcomeTraining]] = {
    "time": HazardTraining,
    "number": NumberTraining,
    "grade": GradeTraining,
}


def training_of(outcome: MeasuredOutcome) -> Callable[..., ClassifierTraining]:
    """Return what makes the Lightning module that trains a network for an outcome."""
    return partial(OF_OUTCOME[outcome.kind], outcome=outcome)


def check_training(options: Training, title: str) -> None:
    """Refuse what only classes have.

    Raises:
        ModelFailure: Labels are to be mixed, smoothed or weighted.
    """
    of_classes = {
        "mixup": bool(options.mixup),
        "label_smoothing": bool(options.label_smoothing),
        "class_weights": options.class_weights is not None,
    }
    for name, asked in of_classes.items():
        if asked:
            fault, remedy = f"`{name}` is of classes", f"set training.{name} to 0 or null"
            raise ModelFailure(fault, where=title, remedy=remedy)
