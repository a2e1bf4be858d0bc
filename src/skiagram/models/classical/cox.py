"""Cox regression of a time to an event on features; scores are log hazard ratios.

Cox 1972, J. R. Stat. Soc. B 34:187; with a ridge penalty Verweij & van Houwelingen 1994,
*Statistics in Medicine* 13:2427; with an elastic net Simon et al. 2011, *Journal of Statistical
Software* 39(5), whose scale of the penalty both have; boosted trees Ridgeway 1999, *Computing
Science and Statistics* 31:172, with Friedman 2002, *Computational Statistics and Data Analysis*
38:367.
"""

from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass
from sklearn.base import BaseEstimator
from sklearn.tree import DecisionTreeRegressor

from skiagram.errors import OptionError
from skiagram.features.table import FeatureTable
from skiagram.models.classical.estimator import ValueModel
from skiagram.models.classical.linear_models import LinearModel
from skiagram.models.contract import Labelled
from skiagram.options import STRICT
from skiagram.seeding import derived_seed, stream
from skiagram.statistics.cox import fit_elastic_net, fit_ridge, martingale_residuals


class PenalisedCox(BaseEstimator):  # type: ignore[misc]
    """An estimator of log hazard ratios; `CoxRegression` and `CoxElasticNet` say how."""

    def __init__(self, penalty: float, l1_ratio: float, max_iterations: int) -> None:
        self.penalty = penalty
        self.l1_ratio = l1_ratio
        self.max_iterations = max_iterations

    def fit(self, values: NDArray[np.float64], target: NDArray[np.float64]) -> "PenalisedCox":
        """Fit to (n, 2) times and events, 1 or 0."""
        given = values, target[:, 0], target[:, 1] > 0, self.penalty
        if self.l1_ratio > 0:
            self.coef_ = fit_elastic_net(*given, self.l1_ratio, self.max_iterations)
        else:
            self.coef_ = fit_ridge(*given, self.max_iterations)
        return self

    def predict(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (n,) log hazard ratios."""
        scores: NDArray[np.float64] = values @ self.coef_
        return scores


@dataclass(**STRICT)
class TimeModel(ValueModel):
    """A model of a log hazard; a family fills in the estimator."""

    learns: ClassVar[tuple[str, ...]] = ("time",)

    @staticmethod
    def target(training: Labelled[FeatureTable]) -> NDArray[np.float64]:
        if training.outcome is None:
            raise OptionError("classes", where="model", allowed="an outcome that is a time")
        return training.outcome.target(*training.truth)


@dataclass(**STRICT)
class CoxRegression(TimeModel, LinearModel):
    """Cox regression with an L2 penalty.

    Attributes:
        penalty: α of α‖w‖² / 2 beside the mean log partial likelihood, > 0; larger shrinks more.
        max_iterations: Steps after which the fit counts as not converged.
    """

    kind: ClassVar[str] = "Cox regression"

    penalty: Annotated[float, Field(gt=0)]
    max_iterations: Annotated[int, Field(ge=1)]

    def estimator(self, seed: int) -> PenalisedCox:
        return PenalisedCox(self.penalty, 0.0, self.max_iterations)

    @staticmethod
    def n_parameters(estimator: Any) -> int:
        return int(estimator.coef_.size)


@dataclass(**STRICT)
class CoxElasticNet(CoxRegression):
    """Cox regression whose penalty mixes L1 and L2.

    Attributes:
        l1_ratio: Share of the L1 penalty, which sets coefficients to 0, in (0, 1].
    """

    kind: ClassVar[str] = "Elastic-net Cox regression"

    l1_ratio: Annotated[float, Field(gt=0, le=1)]

    def estimator(self, seed: int) -> PenalisedCox:
        return PenalisedCox(self.penalty, self.l1_ratio, self.max_iterations)

    @staticmethod
    def weighted(estimator: Any) -> NDArray[np.bool_]:
        marked: NDArray[np.bool_] = estimator.coef_ != 0
        return marked


class BoostedCoxTrees(BaseEstimator):  # type: ignore[misc]
    """A sum of small trees, each fitted to what the sum before it leaves of the events."""

    def __init__(
        self,
        trees: int,
        learning_rate: float,
        max_depth: int,
        min_samples_leaf: int,
        share: float,
        seed: int,
    ) -> None:
        self.trees = trees
        self.learning_rate = learning_rate
        self.max_depth = max_depth
        self.min_samples_leaf = min_samples_leaf
        self.share = share
        self.seed = seed

    def fit(self, values: NDArray[np.float64], target: NDArray[np.float64]) -> "BoostedCoxTrees":
        """Fit to (n, 2) times and events, 1 or 0."""
        time, event, cases = target[:, 0], target[:, 1] > 0, len(values)
        drawn = max(int(self.share * cases), 1)
        score = np.zeros(cases)
        self.estimators_ = []
        for number in range(self.trees):
            rows = np.arange(cases)
            if drawn < cases:
                rows = np.sort(stream(self.seed, "cases", number).permutation(cases)[:drawn])
            tree = DecisionTreeRegressor(
                criterion="squared_error",
                max_depth=self.max_depth,
                min_samples_leaf=self.min_samples_leaf,
                random_state=derived_seed(self.seed, "tree", number),
            )
            left = martingale_residuals(score[rows], time[rows], event[rows])
            tree.fit(values[rows], left)
            score += self.learning_rate * tree.predict(values)
            self.estimators_.append(tree)
        return self

    def predict(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (n,) log hazard ratios."""
        scores = np.zeros(len(values))
        for tree in self.estimators_:
            scores += self.learning_rate * tree.predict(values)
        return scores


@dataclass(**STRICT)
class BoostedCox(TimeModel):
    """Boosted regression trees of the log hazard: products of features, and thresholds.

    Attributes:
        trees: Number of trees.
        learning_rate: Share of a tree that is added.
        max_depth: Levels of splits of a tree; 1 adds features up, 2 also knows pairs of them.
        min_samples_leaf: Training cases a leaf holds at least.
        share: Of the training cases, drawn anew for each tree.
    """

    kind: ClassVar[str] = "Boosted Cox regression"

    trees: Annotated[int, Field(ge=1)]
    learning_rate: Annotated[float, Field(gt=0, le=1)]
    max_depth: Annotated[int, Field(ge=1)]
    min_samples_leaf: Annotated[int, Field(ge=1)]
    share: Annotated[float, Field(gt=0, le=1)]

    def estimator(self, seed: int) -> BoostedCoxTrees:
        return BoostedCoxTrees(
            self.trees,
            self.learning_rate,
            self.max_depth,
            self.min_samples_leaf,
            self.share,
            seed,
        )
