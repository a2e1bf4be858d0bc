"""One model on the reported cases, whatever its task: what comparisons need of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from skiagram.arrays import Flags, Floats
from skiagram.evaluation.evaluation_set import EvaluationSet
from skiagram.evaluation.scores import align_scores
from skiagram.records.predictions import Predictions
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.linearised import Linearised
from skiagram.tasks.classes import Classes
from skiagram.tasks.predicted import Predicted
from skiagram.tasks.scored_cases import ScoredCases

SAME_ORDER = "the two order all cases alike"


@dataclass
class ComparedModel:
    """One model on the reported cases.

    Attributes:
        predicted: What is predicted of the cases.
        scored: What the model says of them, and what is true.
        has_probabilities: Whether its scores are probabilities; nothing is decided by others.
        tells_apart: The classes as what is predicted.
        is_positive: (n,) which cases have the condition looked for.
        probability: (repeats, n) calibrated, of the condition looked for; of two classes alone.
    """

    predicted: Predicted
    scored: ScoredCases
    has_probabilities: bool = True

    def __post_init__(self) -> None:
        """Take from scores what figures of two classes are made of."""
        positive = self.predicted.positive
        self.tells_apart = Classes(self.predicted.classes, positive)
        self.is_positive: Flags = np.asarray(self.scored.label == positive)
        self.probability: Floats = self.scored.estimate[:, :, positive]

    @classmethod
    def on(cls, setting: EvaluationSet, model: Predictions) -> "ComparedModel":
        """Line the scores of a model up with the reported cases.

        Raises:
            DataError: A case has no score, or a score no case.
        """
        predicted = setting.task.predicted
        scored = align_scores(model, setting.task.part, setting.cases, predicted)
        return cls(predicted, scored)

    @classmethod
    def out_of_fold(cls, setting: EvaluationSet, model: Predictions) -> "ComparedModel":
        """Line the held-out scores of a model up with the development cases.

        Raises:
            DataError: A case has no score, or a score no case.
        """
        predicted = setting.task.predicted
        return cls(predicted, align_scores(model, "out_of_fold", setting.development, predicted))

    def without_features(self, setting: EvaluationSet) -> "ComparedModel":
        """Return the model that says the same of all cases, by what each fit learned from."""
        scored, development = self.scored, setting.development
        estimate = np.empty((*scored.fit.shape, len(self.predicted.estimates)))
        for of_repeat, fit in zip(estimate, scored.fit, strict=True):
            for number in np.unique(fit):
                rows = fit == number
                # Under `cv` a fit learned from all cases but those that it scores.
                learned = np.ones(len(development), dtype=np.bool_)
                if setting.task.design == "cv":
                    learned = ~rows
                # A constant score, calibrated: the prevalence among what the fit learned from.
                same = np.zeros((len(development), self.predicted.scores))
                calibration = self.predicted.calibrate(
                    same[learned],
                    development.value[learned],
                    development.label[learned],
                    development.patient[learned],
                )
                of_repeat[rows] = calibration.probabilities(same[:1])
        return replace(self, scored=replace(scored, score=0 * scored.score, estimate=estimate))

    def select(self, rows: Flags) -> "ComparedModel":
        """Return the same on some of the cases."""
        return replace(self, scored=self.scored.select(rows))

    @cached_property
    def figure(self) -> Linearised:
        """The primary figure; NaN where it is not defined."""
        return self.predicted.measure_primary(self.scored)

    def estimate(self) -> Estimate:
        """Return the primary figure with its interval, or why there is none."""
        return self.figure.estimate()

    def subtract(self, other: "ComparedModel") -> Linearised:
        """Compute the difference in the primary figure from another model of the same task.

        Both are of the same cases, so that what makes a case hard for both cancels out. Where the
        two order all cases alike it is 0 without an interval.
        """
        difference = self.figure - other.figure
        if np.isfinite(difference.value) and self.predicted.are_alike(self.scored, other.scored):
            return replace(difference, pair=None, by_kind=False, kind=None, method=SAME_ORDER)
        return difference

    def ideal(self, setting: EvaluationSet, *, within_fits: bool = False) -> Linearised | None:
        """Return the primary figure of the ideal observer; None but on generated data.

        Args:
            within_fits: Whether only cases are ranked against each other that one fit of the model
                scored, as the model's own are.
        """
        if setting.ideal is None:
            return None
        scored = self.predicted.score_ideal(setting.ideal, self.scored)
        if not within_fits:
            scored = replace(scored, fit=np.zeros_like(scored.fit))
        figure = self.predicted.measure_primary(scored)
        return figure if np.isfinite(figure.value) else None

    @cached_property
    def parts(self) -> dict[str, Linearised]:
        """What the primary figure is a mean of, such as findings; empty where of nothing."""
        return dict(self.predicted.measure_parts(self.scored))


def measure_alike(models: Sequence[ComparedModel]) -> list[Linearised]:
    """Measure primary figures of different cases that are compared with each other.

    Where they are means of parts, such as findings, those parts count that all cases define: else
    the figures would differ by what they are means of.
    """
    parts = [model.parts for model in models]
    shared = [name for name in parts[0] if all(name in others for others in parts)] if parts else []
    return [
        model.figure
        if len(own) == len(shared)
        else model.predicted.mean_of_parts(model.scored, [(name, own[name]) for name in shared])
        for model, own in zip(models, parts, strict=True)
    ]
