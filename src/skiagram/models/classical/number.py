"""Regression of a number on features; scores are numbers in standard deviations from the mean.

Ridge: Hoerl and Kennard 1970, Technometrics 12. Elastic net: Zou and Hastie 2005, J. R. Stat. Soc.
B 67(2). Random forest: Breiman 2001, Machine Learning 45:5–32.
"""

from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import ElasticNet, Ridge

from skiagram.errors import OptionError
from skiagram.features.table import FeatureTable
from skiagram.models.classical.estimator import FittedClassical, ValueModel
from skiagram.models.contract import FitContext, Labelled
from skiagram.options import STRICT


@dataclass(**STRICT)
class NumberModel(ValueModel):
    """A model of a number; a family fills in the estimator."""

    learns: ClassVar[tuple[str, ...]] = ("number",)

    def fit(self, training: Labelled[FeatureTable], context: FitContext) -> FittedClassical:
        """Fit, also where no training case is in one of the groups of numbers."""
        return self.fit_steps(training, context)

    @staticmethod
    def target(training: Labelled[FeatureTable]) -> NDArray[np.float64]:
        if training.outcome is None:
            raise OptionError("classes", where="model", allowed="an outcome that is a number")
        return training.outcome.target(*training.truth)[:, 0]


@dataclass(**STRICT)
class MeanNumber(NumberModel):
    """The mean of the training cases, whatever the features."""

    kind: ClassVar[str] = "Mean of the training cases"

    def estimator(self, seed: int) -> DummyRegressor:
        return DummyRegressor()

    @staticmethod
    def n_parameters(estimator: Any) -> int:
        return int(estimator.constant_.size)


@dataclass(**STRICT)
class NumberRidge(NumberModel):
    """Least squares with an L2 penalty.

    Attributes:
        penalty: α of α‖w‖², > 0; larger shrinks more.
    """

    kind: ClassVar[str] = "Ridge regression"

    penalty: Annotated[float, Field(gt=0)]

    def estimator(self, seed: int) -> Ridge:
        return Ridge(alpha=self.penalty)

    @staticmethod
    def n_parameters(estimator: Any) -> int:
        return int(estimator.coef_.size + 1)

    @staticmethod
    def multiply_adds(estimator: Any) -> int:
        return int(estimator.coef_.size)


@dataclass(**STRICT)
class NumberElasticNet(NumberRidge):
    """Least squares whose penalty mixes L1 and L2.

    Attributes:
        l1_ratio: Share of the L1 penalty, which sets coefficients to 0, in (0, 1].
        max_iterations: Rounds of coordinate descent after which the fit counts as not converged.
    """

    kind: ClassVar[str] = "Elastic-net regression"

    l1_ratio: Annotated[float, Field(gt=0, le=1)]
    max_iterations: Annotated[int, Field(ge=1)]

    def estimator(self, seed: int) -> ElasticNet:
        return ElasticNet(alpha=self.penalty, l1_ratio=self.l1_ratio, max_iter=self.max_iterations)

    @staticmethod
    def weighted(estimator: Any) -> NDArray[np.bool_]:
        marked: NDArray[np.bool_] = estimator.coef_ != 0
        return marked


@dataclass(**STRICT)
class NumberForest(NumberModel):
    """A random forest of regression trees.

    Attributes:
        trees: Number of trees.
        max_features: Share of the features that is tried at a split.
        min_samples_leaf: Training cases a leaf holds at least.
    """

    kind: ClassVar[str] = "Random forest regression"

    trees: Annotated[int, Field(ge=1)]
    max_features: Annotated[float, Field(gt=0, le=1)]
    min_samples_leaf: Annotated[int, Field(ge=1)]

    def estimator(self, seed: int) -> RandomForestRegressor:
        return RandomForestRegressor(
            n_estimators=self.trees,
            max_features=self.max_features,
            min_samples_leaf=self.min_samples_leaf,
            random_state=seed,
        )
