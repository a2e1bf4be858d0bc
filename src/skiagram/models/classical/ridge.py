"""Ridge regression on one-hot labels (Hoerl and Kennard 1970, Technometrics 12)."""

from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass
from sklearn.linear_model import Ridge as PenalisedLeastSquares

from skiagram.models.classical.linear_regression import LinearRegression
from skiagram.options import STRICT


@dataclass(**STRICT)
class Ridge(LinearRegression):
    """Least squares with an L2 penalty.

    Attributes:
        penalty: α of α‖w‖², > 0; larger shrinks more.
    """

    kind = "Ridge regression"

    penalty: Annotated[float, Field(gt=0)]

    def estimator(self, seed: int) -> PenalisedLeastSquares:
        """Return the estimator; its solver draws nothing at random."""
        return PenalisedLeastSquares(alpha=self.penalty)

    @staticmethod
    def class_scores(estimator: Any, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the fitted values; a row sums to 1."""
        return np.asarray(estimator.predict(values), dtype=np.float64)
