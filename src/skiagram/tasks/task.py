"""What is to be predicted of the cases of a project, whatever kind it is."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from skiagram.tasks.classes import Classes
from skiagram.tasks.kinds import AnyOutcome
from skiagram.tasks.predicted import Loss

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
    def bounds(self) -> tuple[float, float]:
        """Between which every estimate lies."""
        return self.predicted.bounds

    @property
    def classical_loss(self) -> Loss:
        """What classical models are fitted by."""
        return self.predicted.classical_loss

    @property
    def primary(self) -> str:
        """Name of the figure that models are chosen and compared by."""
        return self.predicted.primary

    @property
    def primary_title(self) -> str:
        """What it is called in a sentence."""
        return self.predicted.primary_title

    @property
    def figure_words(self) -> str:
        """What the primary figure is called in a sentence: of any classes `AUC`."""
        return self.predicted.figure_words

    @property
    def words(self) -> str:
        """What is predicted, for people: the classes, or `time to an event, in days`."""
        return self.predicted.words

    @property
    def selection(self) -> str:
        """Name of the same figure of development cases, which chooses models."""
        return self.predicted.selection

    @property
    def lower_is_better(self) -> bool:
        """Whether the primary figure is an error."""
        return self.predicted.lower_is_better

    @property
    def margin_unit(self) -> float:
        """What a margin of the primary figure counts in: 1 for the figure itself."""
        return self.predicted.margin_unit

    @property
    def chance(self) -> float | None:
        """Primary figure without any knowledge; None where only `chance_rule` says what it is."""
        return self.predicted.chance

    @property
    def chance_rule(self) -> str:
        """Model without any feature that stands for chance; empty where chance is a number."""
        return self.predicted.chance_rule

    @property
    def rules(self) -> tuple[str, ...]:
        """Option files of the models that are simple rules for this task by themselves."""
        return tuple(self.predicted.rules.values())

    @property
    def decides(self) -> bool:
        """Whether a case is put into a class, so that there are decisions, and curves over them."""
        return self.predicted.decides

    @property
    def scores(self) -> int:
        """How many scores a model gives a case."""
        return self.predicted.scores
