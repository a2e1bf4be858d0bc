"""Histogram-based gradient boosting (Ke et al. 2017, *LightGBM*, NIPS 30; Friedman 2001)."""

from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass
from sklearn.ensemble import HistGradientBoostingClassifier

from skiagram.models.classical.estimator import ClassicalModel
from skiagram.models.classical.scoring import decision_scores
from skiagram.options import STRICT


@dataclass(**STRICT)
class HistogramBoosting(ClassicalModel):
    """Trees that each correct the sum of those before; scores are log-odds.

    Attributes:
        iterations: Rounds; each adds a tree, or one a class where there are more than two.
        learning_rate: Share of each tree that is added, in (0, 1].
        max_leaves: Leaves of a tree at most.
        min_samples_leaf: Training cases a leaf holds at least.
        l2_penalty: Penalty on the leaves' values.
        max_features: Share of the features tried at a split, in (0, 1].
        class_weight: `balanced` weighs each class by the inverse of its frequency.
    """

    kind: ClassVar[str] = "Gradient boosting"

    iterations: Annotated[int, Field(ge=1)]
    learning_rate: Annotated[float, Field(gt=0, le=1)]
    max_leaves: Annotated[int, Field(ge=2)]
    min_samples_leaf: Annotated[int, Field(ge=1)]
    l2_penalty: Annotated[float, Field(ge=0)]
    max_features: Annotated[float, Field(gt=0, le=1)]
    class_weight: Literal["balanced"] | None

    def estimator(self, seed: int) -> HistGradientBoostingClassifier:
        """Return the estimator; no cases are set aside for early stopping."""
        return HistGradientBoostingClassifier(
            max_iter=self.iterations,
            learning_rate=self.learning_rate,
            max_leaf_nodes=self.max_leaves,
            min_samples_leaf=self.min_samples_leaf,
            l2_regularization=self.l2_penalty,
            max_features=self.max_features,
            class_weight=self.class_weight,
            early_stopping=False,
            random_state=seed,
        )

    @staticmethod
    def class_scores(estimator: Any, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the sums over trees, one column a class."""
        return decision_scores(estimator, values)

    @staticmethod
    def learned_numbers(estimator: Any) -> int:
        """Count nodes of all trees: each is one threshold or one leaf."""
        return sum(len(tree.nodes) for round_ in estimator._predictors for tree in round_)
