"""What forests share: trees grown at random, their class frequencies averaged."""

from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass

from skiagram.models.classical.estimator import ClassicalModel
from skiagram.options import STRICT


@dataclass(**STRICT)
class Forest(ClassicalModel):
    """A forest of trees; scores are the trees' mean class frequencies, in [0, 1].

    Attributes:
        trees: Number of trees.
        max_features: Features tried at a split: their square root, log₂, or a share of them.
        min_samples_leaf: Training cases a leaf holds at least.
        class_weight: `balanced` weighs each class by the inverse of its frequency.
    """

    trees: Annotated[int, Field(ge=1)]
    max_features: Literal["sqrt", "log2"] | Annotated[float, Field(gt=0, le=1)]
    min_samples_leaf: Annotated[int, Field(ge=1)]
    class_weight: Literal["balanced"] | None

    def _options(self, seed: int) -> dict[str, Any]:
        return {
            "n_estimators": self.trees,
            "max_features": self.max_features,
            "min_samples_leaf": self.min_samples_leaf,
            "class_weight": self.class_weight,
            "random_state": seed,
        }

    @staticmethod
    def class_scores(estimator: Any, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the mean over trees of the class frequencies in each case's leaf."""
        return np.asarray(estimator.predict_proba(values), dtype=np.float64)

    @staticmethod
    def learned_numbers(estimator: Any) -> int:
        """Count nodes of all trees: each is one threshold or one leaf."""
        return sum(int(tree.tree_.node_count) for tree in estimator.estimators_)
