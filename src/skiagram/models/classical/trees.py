"""Decision trees and what is made of many: forests, bagging, boosting.

Decision tree: CART (Breiman, Friedman, Olshen and Stone 1984). Random forest: Breiman 2001, *Random
Forests*, Machine Learning 45:5–32. Extremely randomised trees: Geurts, Ernst and Wehenkel 2006,
Machine Learning 63:3–42. Bagging: Breiman 1996, *Bagging Predictors*, Machine Learning 24:123–140.
Gradient boosting on histograms: Ke et al. 2017, *LightGBM*, NIPS 30; Friedman 2001.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic.dataclasses import dataclass
from sklearn.ensemble import (
    BaggingClassifier,
    ExtraTreesClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from skiagram.arrays import Floats
from skiagram.models.classical.estimator import ClassWeightedModel
from skiagram.strict import STRICT, FromZero, OneOrMore, ShareAboveZero, TwoOrMore
from skiagram.tasks.predicted import Loss

_ITERATIONS = 5000


@dataclass(**STRICT)
class DecisionTree(ClassWeightedModel):
    """A classification tree; scores are logs of Laplace-corrected leaf frequencies.

    Attributes:
        criterion: Impurity that a split lowers.
        max_depth: Levels of splits; null for no limit.
        min_samples_leaf: Training cases a leaf holds at least.
    """

    titles: ClassVar[Mapping[Loss, str]] = {"classification": "Decision tree"}

    criterion: Literal["gini", "entropy"]
    max_depth: OneOrMore | None
    min_samples_leaf: OneOrMore

    def estimator(self, seed: int, loss: Loss) -> DecisionTreeClassifier:
        """Build the estimator; the seed orders features that split equally well."""
        return DecisionTreeClassifier(
            criterion=self.criterion,
            max_depth=self.max_depth,
            min_samples_leaf=self.min_samples_leaf,
            class_weight=self.class_weight,
            random_state=seed,
        )

    @staticmethod
    def class_scores(estimator: Any, values: Floats) -> Floats:
        """Compute log of (f·m + 1) / (m + n_classes) for class frequencies f in a leaf of m cases.

        The Laplace correction keeps pure leaves finite and ranks a large one above a small one
        (Provost and Domingos 2003, *Tree Induction for Probability-Based Ranking*, §3).
        """
        cases = estimator.tree_.weighted_n_node_samples[estimator.apply(values)][:, np.newaxis]
        frequency = estimator.predict_proba(values)
        scores: Floats = np.log((frequency * cases + 1.0) / (cases + frequency.shape[1]))
        return scores


@dataclass(**STRICT)
class Forest(ClassWeightedModel):
    """A forest of trees; scores are the trees' mean class frequencies, in [0, 1].

    Attributes:
        n_estimators: Number of trees.
        max_features: Features tried at a split: their square root, log₂, or a share of them.
            `usual` is the square root for classes, and a third for numbers and grades.
        min_samples_leaf: Training cases a leaf holds at least.
    """

    n_estimators: OneOrMore
    max_features: Literal["usual", "sqrt", "log2"] | ShareAboveZero
    min_samples_leaf: OneOrMore

    def _options(self, seed: int, loss: Loss) -> dict[str, Any]:
        """List what both kinds of forests are told.

        `usual` is √d of d features for classes, and d / 3 for numbers (Hastie et al. 2009, §15.3).
        """
        usual = "sqrt" if loss == "classification" else 1 / 3
        return {
            "n_estimators": self.n_estimators,
            "max_features": usual if self.max_features == "usual" else self.max_features,
            "min_samples_leaf": self.min_samples_leaf,
            "random_state": seed,
        }


@dataclass(**STRICT)
class RandomForest(Forest):
    """Each tree sees a bootstrap sample and splits where classes, or numbers, are parted best.

    An ordered grade is fitted as the number of its place.
    """

    titles: ClassVar[Mapping[Loss, str]] = {
        "classification": "Random forest",
        "least_squares": "Random forest regression",
        "ordered_logistic": "Random forest regression",
        "multilabel": "Random forest",
    }

    def estimator(self, seed: int, loss: Loss) -> RandomForestClassifier | RandomForestRegressor:
        options = self._options(seed, loss)
        if loss != "classification":
            return RandomForestRegressor(**options)
        return RandomForestClassifier(**options, class_weight=self.class_weight)


@dataclass(**STRICT)
class ExtraTrees(Forest):
    """Each tree sees all cases and tries one random threshold per feature."""

    titles: ClassVar[Mapping[Loss, str]] = {"classification": "Extremely randomised trees"}

    def estimator(self, seed: int, loss: Loss) -> ExtraTreesClassifier:
        options = self._options(seed, loss)
        return ExtraTreesClassifier(**options, class_weight=self.class_weight)


@dataclass(**STRICT)
class Bagging(ClassWeightedModel):
    """The mean of models on bootstrap samples; scores are mean probabilities, in [0, 1].

    Attributes:
        base: What is bagged: `decision_tree` (grown to the end, every feature tried at each split)
            or `logistic_regression` (C = 1).
        n_estimators: Number of models.
        max_samples: Cases drawn for each, with replacement, as a share of the training cases, in
            (0, 1].
    """

    titles: ClassVar[Mapping[Loss, str]] = {"classification": "Bagging"}

    base: Literal["decision_tree", "logistic_regression"]
    n_estimators: OneOrMore
    max_samples: ShareAboveZero

    def estimator(self, seed: int, loss: Loss) -> BaggingClassifier:
        """Build the estimator, from whose seed each member takes its own."""
        base = (
            DecisionTreeClassifier(class_weight=self.class_weight)
            if self.base == "decision_tree"
            else LogisticRegression(class_weight=self.class_weight, max_iter=_ITERATIONS)
        )
        return BaggingClassifier(
            base, n_estimators=self.n_estimators, max_samples=self.max_samples, random_state=seed
        )

    @staticmethod
    def class_scores(estimator: Any, values: Floats) -> Floats:
        """Take the mean probabilities of the members, (n, n_classes)."""
        return np.asarray(estimator.predict_proba(values), dtype=np.float64)


@dataclass(**STRICT)
class HistogramBoosting(ClassWeightedModel):
    """Trees that each correct the sum of those before; scores are log-odds.

    Attributes:
        max_iter: Rounds; each adds a tree, or one per class where there are more than two.
        learning_rate: Share of each tree that is added, in (0, 1].
        max_leaf_nodes: Leaves of a tree at most.
        min_samples_leaf: Training cases a leaf holds at least.
        l2_regularization: Penalty on the leaves' values.
        max_features: Share of the features tried at a split, in (0, 1].
    """

    titles: ClassVar[Mapping[Loss, str]] = {"classification": "Gradient boosting"}

    max_iter: OneOrMore
    learning_rate: ShareAboveZero
    max_leaf_nodes: TwoOrMore
    min_samples_leaf: OneOrMore
    l2_regularization: FromZero
    max_features: ShareAboveZero

    def estimator(self, seed: int, loss: Loss) -> HistGradientBoostingClassifier:
        """Build the estimator; without early stopping it needs no cases set aside."""
        return HistGradientBoostingClassifier(
            max_iter=self.max_iter,
            learning_rate=self.learning_rate,
            max_leaf_nodes=self.max_leaf_nodes,
            min_samples_leaf=self.min_samples_leaf,
            l2_regularization=self.l2_regularization,
            max_features=self.max_features,
            class_weight=self.class_weight,
            early_stopping=False,
            random_state=seed,
        )

    def n_parameters(self, estimator: Any) -> int:
        """Count nodes of all trees: each is one threshold or one leaf."""
        return sum(len(tree.nodes) for round_ in estimator._predictors for tree in round_)
