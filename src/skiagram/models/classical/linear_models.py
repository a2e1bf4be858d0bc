"""Linear models: least squares and logistic regression, without and with penalties.

Linear regression fits one-hot labels (Hastie, Tibshirani and Friedman, *The Elements of Statistical
Learning*, 2nd ed. 2009, §4.2). Fitted values leave [0, 1] and are not clipped; calibration makes
probabilities of them. Ridge: Hoerl and Kennard 1970, Technometrics 12. Logistic regression is
multinomial for more than two classes. Elastic net: Zou and Hastie 2005, J. R. Stat. Soc. B 67(2).
"""

from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass
from sklearn.linear_model import LinearRegression as LeastSquares
from sklearn.linear_model import LogisticRegression as Logistic
from sklearn.linear_model import Ridge as PenalisedLeastSquares

from skiagram.features.table import FeatureTable
from skiagram.models.classical.estimator import ClassicalModel, ClassWeightedModel
from skiagram.models.contract import Labelled
from skiagram.options import STRICT


@dataclass(**STRICT)
class LinearModel(ClassicalModel):
    """A linear model; a family fills in the estimator and its scores."""

    @staticmethod
    def multiply_adds(estimator: Any) -> int:
        return int(estimator.coef_.size)


@dataclass(**STRICT)
class LinearRegression(LinearModel):
    """Least squares on one-hot labels; of the smallest norm where features outnumber cases."""

    kind: ClassVar[str] = "Linear regression"

    def estimator(self, seed: int) -> LeastSquares:
        return LeastSquares()

    @staticmethod
    def target(training: Labelled[FeatureTable]) -> NDArray[np.float64]:
        return np.eye(training.n_classes)[training.label]

    @staticmethod
    def class_scores(estimator: Any, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the fitted values; a row sums to 1."""
        return np.asarray(estimator.predict(values), dtype=np.float64)


@dataclass(**STRICT)
class Ridge(LinearRegression):
    """Least squares with an L2 penalty.

    Attributes:
        penalty: α of α‖w‖², > 0; larger shrinks more.
    """

    kind = "Ridge regression"

    penalty: Annotated[float, Field(gt=0)]

    def estimator(self, seed: int) -> PenalisedLeastSquares:
        return PenalisedLeastSquares(alpha=self.penalty)


@dataclass(**STRICT)
class LogisticRegression(ClassWeightedModel, LinearModel):
    """Logistic regression; scores are log-odds.

    Attributes:
        inverse_regularisation: C of the L2 penalty ‖w‖² / (2C), > 0; smaller shrinks more.
        max_iterations: Iterations of L-BFGS after which the fit counts as not converged.
        tolerance: Gradient at which it ends; larger is quicker, and shrinks a little more.
    """

    kind: ClassVar[str] = "Logistic regression"

    inverse_regularisation: Annotated[float, Field(gt=0)]
    max_iterations: Annotated[int, Field(ge=1)]
    tolerance: Annotated[float, Field(gt=0)] = Field(default=1e-4, kw_only=True)

    def estimator(self, seed: int) -> Logistic:
        return Logistic(
            C=self.inverse_regularisation,
            class_weight=self.class_weight,
            max_iter=self.max_iterations,
            tol=self.tolerance,
            random_state=seed,
        )


@dataclass(**STRICT)
class ElasticNet(LogisticRegression):
    """Logistic regression whose penalty mixes L1 and L2; scores are log-odds.

    Attributes:
        l1_ratio: Share of the L1 penalty, which sets coefficients to 0, in [0, 1].
    """

    kind: ClassVar[str] = "Elastic-net logistic regression"

    l1_ratio: Annotated[float, Field(ge=0, le=1)]

    def estimator(self, seed: int) -> Logistic:
        return Logistic(
            C=self.inverse_regularisation,
            l1_ratio=self.l1_ratio,
            class_weight=self.class_weight,
            solver="saga",
            max_iter=self.max_iterations,
            tol=self.tolerance,
            random_state=seed,
        )

    @staticmethod
    def weighted(estimator: Any) -> NDArray[np.bool_]:
        marked: NDArray[np.bool_] = (estimator.coef_ != 0).any(axis=0)
        return marked
