"""Linear regression on one-hot labels: the least squares fit of Hastie, Tibshirani and Friedman.

*The Elements of Statistical Learning* (2nd ed. 2009), §4.2. Fitted values leave [0, 1] and are not
clipped; calibration makes probabilities of them.
"""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass
from sklearn.linear_model import LinearRegression as LeastSquares

from skiagram.models.classical.estimator import ClassicalModel
from skiagram.options import STRICT


@dataclass(**STRICT)
class LinearRegression(ClassicalModel):
    """Least squares on one-hot labels; of the smallest norm where features outnumber cases."""

    kind: ClassVar[str] = "Linear regression"

    def estimator(self, seed: int) -> LeastSquares:
        """Return the estimator; it draws nothing at random."""
        return LeastSquares()

    @staticmethod
    def target(label: NDArray[np.int64], n_classes: int) -> NDArray[np.float64]:
        """Return (n, n_classes) one-hot labels."""
        return np.eye(n_classes)[label]

    @staticmethod
    def class_scores(estimator: Any, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the fitted values; a row sums to 1."""
        return np.asarray(estimator.predict(values), dtype=np.float64)

    @staticmethod
    def learned_numbers(estimator: Any) -> int:
        """Count coefficients and intercepts."""
        return int(estimator.coef_.size + estimator.intercept_.size)

    @staticmethod
    def multiply_adds(estimator: Any) -> int:
        """Count one multiply–add a coefficient."""
        return int(estimator.coef_.size)
