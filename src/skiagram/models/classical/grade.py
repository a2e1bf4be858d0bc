"""Models of an ordered grade on features; scores rise with the grade.

Ordered logistic regression: McCullagh 1980, *J. R. Stat. Soc. B* 42:109. The others are regressions
of a number on the place of the grade.
"""

from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass
from sklearn.base import BaseEstimator

from skiagram.features.table import FeatureTable
from skiagram.models.classical.number import (
    MeanNumber,
    NumberElasticNet,
    NumberForest,
    NumberModel,
)
from skiagram.models.contract import Labelled
from skiagram.options import STRICT
from skiagram.statistics.proportional_odds import fit_proportional_odds


class OrderedLogistic(BaseEstimator):  # type: ignore[misc]
    """An estimator of the score of an ordered logistic regression."""

    def __init__(self, penalty: float, max_iterations: int) -> None:
        self.penalty = penalty
        self.max_iterations = max_iterations

    def fit(self, values: NDArray[np.float64], target: NDArray[np.float64]) -> "OrderedLogistic":
        """Fit to (n,) places of grades from 0."""
        grade = target.astype(np.int64)
        given = grade, int(grade.max()) + 1, self.penalty, self.max_iterations
        self.coef_, self.cuts_ = fit_proportional_odds(values, *given)
        return self

    def predict(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (n,) scores: the log-odds of a higher grade, up to a constant a cut-off."""
        scores: NDArray[np.float64] = values @ self.coef_
        return scores


@dataclass(**STRICT)
class GradeModel(NumberModel):
    """A model of the place of a grade; a family fills in the estimator."""

    learns: ClassVar[tuple[str, ...]] = ("grade",)

    @staticmethod
    def target(training: Labelled[FeatureTable]) -> NDArray[np.float64]:
        return training.label.astype(np.float64)


@dataclass(**STRICT)
class OrderedLogisticRegression(GradeModel):
    """Ordered logistic regression (proportional odds) with an L2 penalty.

    Attributes:
        penalty: α of α‖w‖² / 2 beside the mean log likelihood, > 0; larger shrinks more.
        max_iterations: Steps after which the fit counts as not converged.
    """

    kind: ClassVar[str] = "Ordered logistic regression"

    penalty: Annotated[float, Field(gt=0)]
    max_iterations: Annotated[int, Field(ge=1)]

    def estimator(self, seed: int) -> OrderedLogistic:
        return OrderedLogistic(self.penalty, self.max_iterations)

    @staticmethod
    def n_parameters(estimator: Any) -> int:
        return int(estimator.coef_.size + estimator.cuts_.size)

    @staticmethod
    def multiply_adds(estimator: Any) -> int:
        return int(estimator.coef_.size)


@dataclass(**STRICT)
class GradeElasticNet(GradeModel, NumberElasticNet):
    """Least squares on places of grades, whose penalty mixes L1 and L2."""


@dataclass(**STRICT)
class GradeForest(GradeModel, NumberForest):
    """A random forest of regression trees on places of grades."""


@dataclass(**STRICT)
class MedianGrade(GradeModel, MeanNumber):
    """The same score for all: its calibration gives the median grade and the grades' shares."""

    kind: ClassVar[str] = "Median grade of the training cases"
