"""How far a case lies from the normal ones; abnormal cases are never shown to it.

Mahalanobis distance from the mean of the normals, with the covariance of Ledoit and Wolf 2004,
J. Multivar. Anal. 88(2), which can be inverted with more features than cases.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from pydantic.dataclasses import dataclass
from sklearn.covariance import LedoitWolf

from skiagram.arrays import Floats, Whole
from skiagram.errors import refusal
from skiagram.fitting.contract import FitContext, Labelled
from skiagram.models.classical.estimator import ClassicalModel, FittedClassical
from skiagram.records.feature_table import FeatureTable
from skiagram.strict import STRICT
from skiagram.tasks.predicted import Loss


class NormalRange(LedoitWolf):  # type: ignore[misc]
    """Mean and covariance of normal cases, and which label they bear."""

    def fit(self, values: Floats, target: Whole) -> "NormalRange":
        """Learn from (n, n_features) normal cases and their label, n times."""
        self.normal_ = int(target[0])
        super().fit(values)
        return self

    def distance(self, values: Floats) -> Floats:
        """Compute (n,) distances ≥ 0, in standard deviations of the normals."""
        squared: Floats = self.mahalanobis(values)
        return np.sqrt(np.maximum(squared, 0))


@dataclass(**STRICT)
class OneClass(ClassicalModel):
    """Distance from the normals; scores are ± that distance. For tasks of two classes."""

    titles: ClassVar[Mapping[Loss, str]] = {"classification": "Distance from normals"}

    def __post_init__(self) -> None:
        if self.selection is not None and self.selection.method != "variance":
            raise ValueError("normals alone: selection by variance, or null")

    def fit(self, training: Labelled[FeatureTable], context: FitContext) -> FittedClassical:
        if context.positive is None or training.n_classes != 2:
            raise refusal(
                "models.classes_of_one_class",
                self.title,
                number=training.n_classes,
            )
        normal = np.flatnonzero(training.label != context.positive)
        if len(normal) < 2:
            raise refusal("models.too_few_normal", self.title, number=len(normal))
        return self.fit_steps(training.select(normal), context)

    def estimator(self, seed: int, loss: Loss) -> NormalRange:
        return NormalRange()

    @staticmethod
    def class_scores(estimator: Any, values: Floats) -> Floats:
        distance = estimator.distance(values)
        sign = np.where(np.arange(2) == estimator.normal_, -1.0, 1.0)
        scores: Floats = distance[:, None] * sign
        return scores

    @staticmethod
    def n_parameters(estimator: Any) -> int:
        """Count the mean and one half of the covariance, its diagonal included."""
        features = len(estimator.location_)
        return features + features * (features + 1) // 2

    @staticmethod
    def multiply_adds(estimator: Any) -> int:
        features = len(estimator.location_)
        return features * features + features
