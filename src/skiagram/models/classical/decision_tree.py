"""A single classification tree (CART; Breiman, Friedman, Olshen and Stone 1984)."""

from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass
from sklearn.tree import DecisionTreeClassifier

from skiagram.models.classical.estimator import ClassicalModel
from skiagram.options import STRICT


@dataclass(**STRICT)
class DecisionTree(ClassicalModel):
    """A classification tree; scores are logs of Laplace-corrected leaf frequencies.

    Attributes:
        criterion: Impurity that a split lowers.
        max_depth: Levels of splits; null for no limit.
        min_samples_leaf: Training cases a leaf holds at least.
        class_weight: `balanced` weighs each class by the inverse of its frequency.
    """

    kind: ClassVar[str] = "Decision tree"

    criterion: Literal["gini", "entropy"]
    max_depth: Annotated[int, Field(ge=1)] | None
    min_samples_leaf: Annotated[int, Field(ge=1)]
    class_weight: Literal["balanced"] | None

    def estimator(self, seed: int) -> DecisionTreeClassifier:
        """Return the estimator; the seed orders features that split equally well."""
        return DecisionTreeClassifier(
            criterion=self.criterion,
            max_depth=self.max_depth,
            min_samples_leaf=self.min_samples_leaf,
            class_weight=self.class_weight,
            random_state=seed,
        )

    @staticmethod
    def class_scores(estimator: Any, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return log of (f·m + 1) / (m + n_classes) for class frequencies f in a leaf of m cases.

        The Laplace correction keeps pure leaves finite and ranks a large one above a small one
        (Provost and Domingos 2003, *Tree Induction for Probability-Based Ranking*, §3).
        """
        cases = estimator.tree_.weighted_n_node_samples[estimator.apply(values)][:, np.newaxis]
        frequency = estimator.predict_proba(values)
        scores: NDArray[np.float64] = np.log(
            (frequency * cases + 1.0) / (cases + frequency.shape[1])
        )
        return scores

    @staticmethod
    def learned_numbers(estimator: Any) -> int:
        """Count nodes: each is one threshold or one leaf."""
        return int(estimator.tree_.node_count)
