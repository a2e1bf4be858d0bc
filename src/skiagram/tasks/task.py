"""What is to be predicted of the cases of a project, whatever kind it is."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from skiagram.tasks.classes import Classes
from skiagram.tasks.kinds import AnyOutcome

Design = Literal["holdout", "cv"]


@dataclass(frozen=True)
class Task:
    """What is to be predicted.

    Attributes:
        classes: Class names; the label k means `classes[k]`.
        positive: Label of the condition looked for; None when there are more than two classes.
        design: `holdout` (a sealed test set) or `cv` (nested cross-validation, nothing sealed).
        outcome: What cases have a value of besides their label: a model is fitted to it, and labels
            balance the folds. None where classes are told apart.
    """

    classes: tuple[str, ...]
    positive: int | None
    design: Design
    outcome: Annotated[AnyOutcome, Field(union_mode="left_to_right")] | None = None

    @property
    def predicted(self) -> Classes | AnyOutcome:
        """What is predicted: the member of its kind, which says all that follows."""
        return Classes(self.classes, self.positive) if self.outcome is None else self.outcome

    @property
    def kind(self) -> str:
        """Name of the kind, as models name those that they are fitted to."""
        return self.predicted.kind

    @property
    def part(self) -> Literal["test", "out_of_fold"]:
        """Which scores the figures are on."""
        return "test" if self.design == "holdout" else "out_of_fold"

    @property
    def estimates(self) -> tuple[str, ...]:
        """What calibrated scores are, a column each."""
        return self.predicted.estimates

    @property
    def reported(self) -> dict[str, int]:
        """Estimate → its column, of those that are told of a new case."""
        return {name: self.estimates.index(name) for name in self.predicted.reported}

    @property
    def rules(self) -> tuple[str, ...]:
        """Option files of the models that are simple rules for this task by themselves."""
        return tuple(self.predicted.rules.values())

    @property
    def decides(self) -> bool:
        """Whether a case is put into a class, so that there are decisions, and curves over them."""
        return self.predicted.decides
