"""Boosted trees of a log hazard; scores are log hazard ratios.

Ridgeway 1999, *Computing Science and Statistics* 31:172, with Friedman 2002, *Computational
Statistics and Data Analysis* 38:367.
"""

from collections.abc import Mapping
from dataclasses import dataclass as plain_dataclass
from typing import ClassVar

import numpy as np
from pydantic.dataclasses import dataclass
from sklearn.base import BaseEstimator
from sklearn.tree import DecisionTreeRegressor

from skiagram.arrays import Floats
from skiagram.models.classical.estimator import ClassicalModel
from skiagram.seeding import derived_seed, stream
from skiagram.statistics.cox import martingale_residuals
from skiagram.strict import STRICT, OneOrMore, ShareAboveZero
from skiagram.tasks.predicted import Loss


@plain_dataclass(eq=False, repr=False)
class BoostedCoxTrees(BaseEstimator):  # type: ignore[misc]
    """A sum of small trees, each fitted to what the sum before it leaves of the events."""

    trees: int
    learning_rate: float
    max_depth: int
    min_samples_leaf: int
    share: float
    seed: int

    def fit(self, values: Floats, target: Floats) -> "BoostedCoxTrees":
        """Fit the trees one after the other: stochastic gradient boosting of Cox's loss.

        The negative gradient of Cox's partial likelihood is the martingale residual.

        Args:
            values: (n, features) without gaps.
            target: (n, 2) times and events, 1 or 0.
        """
        time, event, cases = target[:, 0], target[:, 1] > 0, len(values)
        drawn = max(int(self.share * cases), 1)
        score = np.zeros(cases)
        self.estimators_ = []
        # Each tree is fitted to what the trees before it leave unexplained, on a part of the cases.
        for number in range(self.trees):
            # Each tree sees a part of the cases, drawn from a stream of its own.
            rows = np.arange(cases)
            if drawn < cases:
                rows = np.sort(stream(self.seed, "cases", number).permutation(cases)[:drawn])
            tree = DecisionTreeRegressor(
                criterion="squared_error",
                max_depth=self.max_depth,
                min_samples_leaf=self.min_samples_leaf,
                random_state=derived_seed(self.seed, "tree", number),
            )
            # What the sum so far does not explain; a share of the tree is added for all cases.
            residual = martingale_residuals(score[rows], time[rows], event[rows])
            tree.fit(values[rows], residual)
            score += self.learning_rate * tree.predict(values)
            self.estimators_.append(tree)
        return self

    def predict(self, values: Floats) -> Floats:
        """Add up (n,) log hazard ratios of all trees."""
        scores = np.zeros(len(values))
        for tree in self.estimators_:
            scores += self.learning_rate * tree.predict(values)
        return scores


@dataclass(**STRICT)
class BoostedCox(ClassicalModel):
    """Boosted regression trees of the log hazard: products of features, and thresholds.

    Attributes:
        trees: Number of trees.
        learning_rate: Share of a tree that is added.
        max_depth: Levels of splits of a tree; 1 adds features up, 2 also knows pairs of them.
        min_samples_leaf: Training cases a leaf holds at least.
        share: Of the training cases, drawn anew for each tree.
    """

    titles: ClassVar[Mapping[Loss, str]] = {"cox": "Boosted Cox regression"}

    trees: OneOrMore
    learning_rate: ShareAboveZero
    max_depth: OneOrMore
    min_samples_leaf: OneOrMore
    share: ShareAboveZero

    def estimator(self, seed: int, loss: Loss) -> BoostedCoxTrees:
        return BoostedCoxTrees(
            self.trees,
            self.learning_rate,
            self.max_depth,
            self.min_samples_leaf,
            self.share,
            seed,
        )
