"""The model that knows nothing of a case: any other must beat it."""

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic.dataclasses import dataclass
from sklearn.dummy import DummyClassifier, DummyRegressor

from skiagram.models.classical.estimator import ClassicalModel
from skiagram.models.classical.persistence import list_members
from skiagram.strict import STRICT
from skiagram.tasks.predicted import Loss


@dataclass(**STRICT)
class NullModel(ClassicalModel):
    """The same score for all, whatever the features.

    It predicts the median of a number, whose mean absolute error is the least. Of a grade its
    calibration gives the median, and each grade's share; of findings it gives theirs.
    """

    titles: ClassVar[Mapping[Loss, str]] = {
        "least_squares": "Median of the training cases",
        "ordered_logistic": "Median grade of the training cases",
        "multilabel": "Shares of the findings in training",
    }

    def estimator(self, seed: int, loss: Loss) -> DummyRegressor | DummyClassifier:
        """Build the estimator of a loss: shares of classes, a median, or a mean."""
        if loss == "classification":
            return DummyClassifier()
        return DummyRegressor(strategy="median" if loss == "least_squares" else "mean")

    def n_parameters(self, estimator: Any) -> int:
        return len(list_members(estimator))  # a constant each
