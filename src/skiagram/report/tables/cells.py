"""What a table of models consists of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from skiagram.evaluation.results import Estimate, Evaluation, ModelResult
from skiagram.report.arms import TITLES, by_arm, is_best
from skiagram.report.numbers import MISSING, interval

NOT_FOUND = Estimate(None, reason="not computed for this task")
FAILED = "no reason was recorded"


@dataclass(frozen=True)
class Cell:
    """A figure.

    Attributes:
        value: The number as text.
        interval: Its interval as text, or empty.
        note: Mark of the note that says why there is no value, or empty.
    """

    value: str
    interval: str = ""
    note: str = ""


@dataclass(frozen=True)
class Row:
    """One model, or what models are held against.

    Attributes:
        title: Name for people.
        cells: One a column; empty for a failed model.
        best: Whether it was chosen for its arm.
        leaked: Whether it lies above the ideal observer.
        failure: Why it failed, or empty.
        caution: Why its figures are to be read with care, or empty.
    """

    title: str
    cells: tuple[Cell, ...]
    best: bool = False
    leaked: bool = False
    failure: str = ""
    caution: str = ""


@dataclass(frozen=True)
class Table:
    """A table of models.

    Attributes:
        columns: Headings after the first one.
        groups: (title of the arm, rows), in order.
        notes: Mark → why a figure is missing.
        first: Heading of the first column.
    """

    columns: tuple[str, ...]
    groups: tuple[tuple[str, tuple[Row, ...]], ...]
    notes: Mapping[str, str] = field(default_factory=dict)
    first: str = "Model"


class Notes:
    """Gives each reason one mark, in the order met."""

    def __init__(self) -> None:
        self.marks: dict[str, str] = {}

    def cell(
        self, estimate: Estimate | None, number: Callable[[float | None], str], digits: int = 2
    ) -> Cell:
        """Return a figure with its interval, or a dash with the mark of its reason.

        Args:
            estimate: The figure; None stands for one that a task does not have.
            number: How the value is written.
            digits: Decimals of the bounds.
        """
        if estimate is None or estimate.value is None:
            reason = (estimate.reason if estimate else "") or NOT_FOUND.reason
            return Cell(MISSING, note=self.marks.setdefault(reason, str(len(self.marks) + 1)))
        return Cell(number(estimate.value), interval(estimate, digits))

    def by_mark(self) -> dict[str, str]:
        """Return mark → reason."""
        return {mark: reason for reason, mark in self.marks.items()}


def grouped(
    evaluation: Evaluation, cells: Callable[[ModelResult], tuple[Cell, ...]]
) -> tuple[tuple[str, tuple[Row, ...]], ...]:
    """Return (title of the arm, a row a model) for every arm that has models."""
    return tuple(
        (TITLES[arm], tuple(model_row(evaluation, model, cells) for model in models))
        for arm, models in by_arm(evaluation)
    )


def model_row(
    evaluation: Evaluation, model: ModelResult, cells: Callable[[ModelResult], tuple[Cell, ...]]
) -> Row:
    """Return a model's row; a failed one has its reason in the place of cells."""
    outcome = model.outcome
    if outcome.status == "failed":
        return Row(outcome.title, (), failure=outcome.reason or FAILED)
    return Row(outcome.title, cells(model), is_best(evaluation, model), model.leaked)
