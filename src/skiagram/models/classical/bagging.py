"""Bagging (Breiman 1996, *Bagging Predictors*, Machine Learning 24:123–140)."""

from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass
from sklearn.ensemble import BaggingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from skiagram.models.classical.estimator import ClassicalModel
from skiagram.options import STRICT

_ITERATIONS = 5000


@dataclass(**STRICT)
class Bagging(ClassicalModel):
    """The mean of models on bootstrap samples; scores are mean probabilities, in [0, 1].

    Attributes:
        base: What is bagged: `decision_tree` (grown to the end, every feature tried at each split)
            or `logistic_regression` (C = 1).
        count: Number of models.
        share: Cases drawn for each, with replacement, as a share of the training cases, in (0, 1].
        class_weight: `balanced` weighs each class by the inverse of its frequency in the sample.
    """

    kind: ClassVar[str] = "Bagging"

    base: Literal["decision_tree", "logistic_regression"]
    count: Annotated[int, Field(ge=1)]
    share: Annotated[float, Field(gt=0, le=1)]
    class_weight: Literal["balanced"] | None

    def estimator(self, seed: int) -> BaggingClassifier:
        """Return the estimator."""
        return BaggingClassifier(
            self._base(), n_estimators=self.count, max_samples=self.share, random_state=seed
        )

    def _base(self) -> DecisionTreeClassifier | LogisticRegression:
        if self.base == "decision_tree":
            return DecisionTreeClassifier(class_weight=self.class_weight)
        return LogisticRegression(class_weight=self.class_weight, max_iter=_ITERATIONS)

    @staticmethod
    def class_scores(estimator: Any, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the mean over models of each case's probabilities."""
        return np.asarray(estimator.predict_proba(values), dtype=np.float64)

    @staticmethod
    def learned_numbers(estimator: Any) -> int:
        """Count the nodes of trees, or coefficients and intercepts."""
        return sum(
            int(one.tree_.node_count)
            if isinstance(one, DecisionTreeClassifier)
            else int(one.coef_.size + one.intercept_.size)
            for one in estimator.estimators_
        )
