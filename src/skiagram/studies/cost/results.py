"""What accuracy costs, as plain records, and which models no other beats in cost and accuracy.

Times depend on the machine, no other figure does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from skiagram.evaluation.results import Estimate
from skiagram.studies.results import CrossValidatedDataSet, StudiedModel

Time = Literal["wall", "processor"]


@dataclass(frozen=True)
class Timing:
    """Time of some repeats.

    Attributes:
        median: Median.
        low: Least.
        high: Greatest.
    """

    median: float
    low: float
    high: float

    def plus(self, other: "Timing", times: float = 1.0) -> "Timing":
        """Return this time and so many times another; bounds add up, so the spread is wide."""
        return Timing(
            self.median + times * other.median,
            self.low + times * other.low,
            self.high + times * other.high,
        )


@dataclass(frozen=True)
class ModelCost(StudiedModel):
    """Accuracy and cost of one model.

    Attributes:
        auc: Mean AUC over folds of development cases.
        parameters: Learned numbers: coefficients, nodes of trees, support vectors, weights.
        multiply_adds: Multiply–adds to score a case, features not counted; None for a family that
            compares instead of multiplying.
        training: Seconds to train on the training cases of a fold, their features included.
        inference: Milliseconds to score a case, its features included.
        features: Milliseconds to describe a case, part of `inference`; None for a network.
    """

    auc: Estimate
    parameters: int
    multiply_adds: int | None
    training: Timing
    inference: Timing
    features: Timing | None


@dataclass(frozen=True)
class FailedModel:
    """A model that could not be trained.

    Attributes:
        title: Name for people.
        reason: Why.
    """

    title: str
    reason: str


@dataclass(frozen=True)
class CostResult(CrossValidatedDataSet):
    """What the study found on one data set.

    Attributes:
        images: Images that were scored and described when it was timed.
        repeats: Times that each of these was repeated.
        time: `wall`, or `processor` time of all threads, which other work delays less.
        machine: What times were measured on, without its name.
        threads: Threads of linear algebra and networks.
        accelerator: Kind of device that networks were trained on, as chosen.
        margin: Difference in AUC below which the cheaper model is as good.
        models: One per trained model.
        failed: The others.
    """

    images: int
    repeats: int
    time: Time
    machine: str
    threads: int
    accelerator: str
    margin: float
    models: tuple[ModelCost, ...]
    failed: tuple[FailedModel, ...]


def pareto_front(cost: Sequence[float | None], value: Sequence[float]) -> NDArray[np.bool_]:
    """Mark what no other dominates: at most as dear and at least as good, and one of both strictly.

    Args:
        cost: Lower is better; None where it is not defined, which is never on the front.
        value: Higher is better.
    """
    known = np.array(
        [np.nan if each is None else each for each in cost],
        dtype=np.float64,
    )
    worth = np.asarray(value, dtype=np.float64)
    cheaper = known[:, None] <= known[None, :]
    better = worth[:, None] >= worth[None, :]
    strictly = (known[:, None] < known[None, :]) | (worth[:, None] > worth[None, :])
    front: NDArray[np.bool_] = np.isfinite(known) & ~(cheaper & better & strictly).any(axis=0)
    return front
