"""What comparisons need of a model, whatever its task: its primary figure on the reported cases."""

from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from skiagram.evaluation.labelled_cases import LabelledCases
from skiagram.records.predictions import Predictions
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.linearised import Linearised
from skiagram.statistics.significance import McNemar
from skiagram.statistics.variation import Variation
from skiagram.tasks.outcome import OutcomePlot

if TYPE_CHECKING:  # it lines cases up, and knows models by this contract
    from skiagram.evaluation.evaluation_set import EvaluationSet


class Difference(Protocol):
    """The primary figure of one model minus that of another on the same cases."""

    @property
    def variation(self) -> Variation:
        """Return how it varies over patients and trainings."""

    def estimate(self) -> Estimate:
        """Return it with its interval."""

    def p(self) -> float | None:
        """Return the two-sided p value of no difference; None where it cannot be told."""


class ComparedModel(Protocol):
    """One model on the reported cases.

    Attributes:
        cases: The reported cases.
    """

    @property
    def cases(self) -> LabelledCases:
        """Return the reported cases."""

    @property
    def primary(self) -> str:
        """Return the name of the primary figure."""

    @property
    def lower_is_better(self) -> bool:
        """Return whether the primary figure is an error."""

    @property
    def chance(self) -> float | None:
        """Return the primary figure without any knowledge; None where only a rule says it."""

    @property
    def above_chance(self) -> float | None:
        """Return the two-sided p value of that figure; None where it cannot be told."""

    @property
    def chance_rule(self) -> str:
        """Return the model without any feature that stands for chance; empty where none does."""

    @property
    def variation(self) -> Variation:
        """Return how the primary figure varies over patients and trainings."""

    @classmethod
    def on(cls, setting: "EvaluationSet", model: Predictions) -> Self:
        """Line the scores of a model up with the reported cases."""

    def out_of_fold(self, setting: "EvaluationSet", model: Predictions) -> Self:
        """Line the held-out scores of the same model up with the development cases."""

    def select(self, rows: NDArray[np.bool_], setting: "EvaluationSet") -> Self:
        """Return the same on some of the cases."""

    def on_site(self, rows: NDArray[np.bool_]) -> Linearised | None:
        """Return the primary figure of cases that one fit of each repeat scored; None for none."""

    def ideal(self, setting: "EvaluationSet") -> Linearised | None:
        """Return the primary figure of the ideal observer; None but on generated data."""

    def estimate(self) -> Estimate:
        """Return the primary figure with its interval, or why there is none."""

    def list_parts(self) -> dict[str, Linearised]:
        """Return the figures by name whose mean the primary one is; empty where it is no mean."""

    def list_plots(self) -> tuple[OutcomePlot, ...]:
        """Return what is drawn of the model besides the curves of classes."""

    def subtract(self, other: Any) -> Difference:
        """Return the difference from another model of the same task."""

    def compare_decisions(self, other: Any) -> McNemar | None:
        """Return how often each alone decides rightly; None where nothing is decided."""
