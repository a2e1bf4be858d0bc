"""Normalisation of feature columns: the first step of every classical model's own pipeline.

Each scaler learns from the training rows of one fit alone. A constant column never gives NaN: its
spread counts as 1.
"""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

Normalisation = Literal["standard", "min_max", "robust", "maximum_then_sum", "none"]


class MaximumThenSumScaler(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Divides each column by its maximum, then by the column sum of what that gave.

    Features may be negative, so both are taken of magnitudes: x ↦ (x / m) / Σ(|x| / m) with
    m = max |x| over the training rows. The training column then has unit 1-norm, so its values are
    of the order 1 / n. A column of zeros is left as it is.
    """

    def fit(self, values: NDArray[np.float64], target: object = None) -> "MaximumThenSumScaler":
        """Learn both divisors of each column.

        Args:
            values: (n, n_features) float64, finite.
            target: Ignored.
        """
        magnitude = np.abs(values)
        maximum = magnitude.max(axis=0)
        self.maximum_ = np.where(maximum > 0, maximum, 1.0)
        total = (magnitude / self.maximum_).sum(axis=0)
        self.total_ = np.where(total > 0, total, 1.0)
        return self

    def transform(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (n, n_features) float64 scaled columns."""
        scaled: NDArray[np.float64] = values / self.maximum_ / self.total_
        return scaled


def scaler(normalisation: Normalisation) -> Any:
    """Return the unfitted pipeline step of a normalisation.

    Args:
        normalisation: `standard` (zero mean, unit variance), `min_max` (training range to [0, 1]),
            `robust` (median and interquartile range), `maximum_then_sum` or `none`.
    """
    steps: dict[Normalisation, Any] = {
        "standard": StandardScaler(),
        "min_max": MinMaxScaler(),
        "robust": RobustScaler(),
        "maximum_then_sum": MaximumThenSumScaler(),
        "none": "passthrough",
    }
    return steps[normalisation]
