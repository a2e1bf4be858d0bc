"""Logistic regression with an elastic net (Zou and Hastie 2005, J. R. Stat. Soc. B 67(2))."""

from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass
from sklearn.linear_model import LogisticRegression as Logistic

from skiagram.models.classical.logistic_regression import LogisticRegression
from skiagram.options import STRICT


@dataclass(**STRICT)
class ElasticNet(LogisticRegression):
    """Logistic regression whose penalty mixes L1 and L2; scores are log-odds.

    Attributes:
        l1_ratio: Share of the L1 penalty, which sets coefficients to 0, in [0, 1].
    """

    kind: ClassVar[str] = "Elastic-net logistic regression"

    l1_ratio: Annotated[float, Field(ge=0, le=1)]

    def estimator(self, seed: int) -> Logistic:
        """Return the estimator."""
        return Logistic(
            C=self.inverse_regularisation,
            l1_ratio=self.l1_ratio,
            class_weight=self.class_weight,
            solver="saga",
            max_iter=self.max_iterations,
            random_state=seed,
        )

    @staticmethod
    def weighted(estimator: Any) -> NDArray[np.bool_]:
        """Mark the columns whose coefficient is not 0 for some class."""
        marked: NDArray[np.bool_] = (estimator.coef_ != 0).any(axis=0)
        return marked
