"""What accuracy costs, as plain records; times depend on the machine, no other figure does."""

from dataclasses import dataclass
from typing import Literal

from skiagram.evaluation.results import Estimate

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
class ModelCost:
    """Accuracy and cost of one model.

    Attributes:
        model: Name of its option file.
        title: Name for people.
        arm: `classical` or `deep`.
        auc: Mean AUC over folds of development cases.
        parameters: Learned numbers: coefficients, nodes of trees, support vectors, weights.
        multiply_adds: Multiply–adds to score a case, features not counted; None for a family that
            compares instead of multiplying.
        training: Seconds to train on the training cases of a fold, their features included.
        inference: Milliseconds to score a case, its features included.
        features: Milliseconds to describe a case, part of `inference`; None for a network.
    """

    model: str
    title: str
    arm: str
    auc: Estimate
    parameters: int
    multiply_adds: int | None
    training: Timing
    inference: Timing
    features: Timing | None


@dataclass(frozen=True)
class Uncosted:
    """A model that could not be trained.

    Attributes:
        title: Name for people.
        reason: Why.
    """

    title: str
    reason: str


@dataclass(frozen=True)
class CostResult:
    """What the study found on one data set.

    Attributes:
        dataset: Name of its option file.
        title: Name for people.
        cases: Development cases; test cases are never opened.
        patients: Their patients.
        folds: Folds that every model is trained on.
        images: Images that were scored and described when it was timed.
        repeats: Times that each of these was repeated.
        time: `wall`, or `processor` time of all threads, which other work delays less.
        machine: What times were measured on, without its name.
        threads: Threads of linear algebra and networks.
        accelerator: Kind of device that networks were trained on, as chosen.
        margin: Difference in AUC below which the cheaper model is as good.
        models: One a trained model.
        failed: The others.
    """

    dataset: str
    title: str
    cases: int
    patients: int
    folds: int
    images: int
    repeats: int
    time: Time
    machine: str
    threads: int
    accelerator: str
    margin: float
    models: tuple[ModelCost, ...]
    failed: tuple[Uncosted, ...]
