"""Logistic regression with an L2 penalty, multinomial for more than two classes."""

from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass
from sklearn.linear_model import LogisticRegression as Logistic

from skiagram.models.classical.estimator import ClassicalModel
from skiagram.models.classical.scoring import decision_scores
from skiagram.options import STRICT


@dataclass(**STRICT)
class LogisticRegression(ClassicalModel):
    """Logistic regression; scores are log-odds.

    Attributes:
        inverse_regularisation: C of the L2 penalty ‖w‖² / (2C), > 0; smaller shrinks more.
        class_weight: `balanced` weighs each class by the inverse of its frequency.
        max_iterations: Iterations of L-BFGS after which the fit counts as not converged.
    """

    kind: ClassVar[str] = "Logistic regression"

    inverse_regularisation: Annotated[float, Field(gt=0)]
    class_weight: Literal["balanced"] | None
    max_iterations: Annotated[int, Field(ge=1)]

    def estimator(self, seed: int) -> Logistic:
        """Return the estimator."""
        return Logistic(
            C=self.inverse_regularisation,
            class_weight=self.class_weight,
            max_iter=self.max_iterations,
            random_state=seed,
        )

    @staticmethod
    def class_scores(estimator: Any, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log-odds, one column a class."""
        return decision_scores(estimator, values)

    @staticmethod
    def learned_numbers(estimator: Any) -> int:
        """Count coefficients and intercepts."""
        return int(estimator.coef_.size + estimator.intercept_.size)

    @staticmethod
    def multiply_adds(estimator: Any) -> int:
        """Count one multiply–add a coefficient."""
        return int(estimator.coef_.size)
