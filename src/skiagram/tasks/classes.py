"""Classes that exclude each other: what a task of classes says of itself."""

from dataclasses import dataclass
from typing import ClassVar

from skiagram.tasks.outcome import Loss


@dataclass(frozen=True)
class Classes:
    """Classes of which a case has one; its members are those that `Task` asks of every kind.

    Attributes:
        classes: Names.
        positive: Label of the condition looked for; None when there are more than two classes.
    """

    classes: tuple[str, ...]
    positive: int | None

    kind: ClassVar[str] = "class"
    primary: ClassVar[str] = "roc_auc"
    classical_loss: ClassVar[Loss] = "classification"
    chance: ClassVar[float | None] = 0.5
    chance_rule: ClassVar[str] = ""
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    rules: ClassVar[dict[str, str]] = {}  # `evaluate.yaml` names those of classes
    figure_words: ClassVar[str] = "AUC"
    selection: ClassVar[str] = "selection_auc"
    lower_is_better: ClassVar[bool] = False
    margin_unit: ClassVar[float] = 1.0
    decides: ClassVar[bool] = True

    @property
    def primary_title(self) -> str:
        """Return what the primary figure is called in a sentence."""
        return "AUC" if self.positive is not None else "macro one-vs-rest AUC"

    @property
    def words(self) -> str:
        """Return what is predicted, for people."""
        return " / ".join(self.classes)

    @property
    def estimates(self) -> tuple[str, ...]:
        """Return what calibrated scores are: probabilities of the classes."""
        return self.classes

    @property
    def reported(self) -> tuple[str, ...]:
        """Return those of the estimates that are told of a new case: all."""
        return self.classes

    @property
    def scores(self) -> int:
        """Return how many scores a model gives a case: one a class."""
        return len(self.classes)
