"""Estimators with penalties that scikit-learn has not, all on one scale.

The sum of the losses plus (ρ‖w‖₁ + (1 − ρ)‖w‖² / 2) / C is least, as in scikit-learn's logistic
regression: C means the same in whatever is learned, however many cases there are.
"""

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.linear_model import ElasticNet

from skiagram.arrays import Floats
from skiagram.statistics.cox import fit_elastic_net, fit_ridge
from skiagram.statistics.proportional_odds import fit_proportional_odds


class PenalisedEstimator(BaseEstimator):  # type: ignore[misc]
    """A linear score whose loss has an elastic net beside it; ρ = 0 is a ridge."""

    coef_: Floats

    def __init__(self, inverse_regularisation: float, l1_ratio: float, max_iterations: int) -> None:
        self.inverse_regularisation = inverse_regularisation
        self.l1_ratio = l1_ratio
        self.max_iterations = max_iterations

    def predict(self, values: Floats) -> Floats:
        """Predict (n,) scores: log hazard ratios, log-odds of a higher grade, or numbers.

        Args:
            values: (n, features) without gaps.
        """
        return values @ self.coef_


class PenalisedCox(PenalisedEstimator):
    """Log hazard ratios by Cox's partial likelihood."""

    def fit(self, values: Floats, target: Floats) -> "PenalisedCox":
        """Maximise Cox's partial likelihood under the penalty.

        Args:
            values: (n, features) without gaps.
            target: (n, 2) times and events, 1 or 0.
        """
        # The functions of statistics divide the likelihood by the cases.
        penalty = 1 / (self.inverse_regularisation * len(values))
        cases = values, target[:, 0], target[:, 1] > 0, penalty
        if self.l1_ratio > 0:
            self.coef_ = fit_elastic_net(*cases, self.l1_ratio, self.max_iterations)
        else:
            self.coef_ = fit_ridge(*cases, self.max_iterations)
        return self


class OrderedLogistic(PenalisedEstimator):
    """The score of an ordered logistic regression (proportional odds) with an L2 penalty.

    A score is the log-odds of a higher grade, up to a constant for each cut-off.
    """

    def __init__(self, inverse_regularisation: float, max_iterations: int) -> None:
        self.inverse_regularisation = inverse_regularisation
        self.max_iterations = max_iterations

    def fit(self, values: Floats, target: Floats) -> "OrderedLogistic":
        """Maximise the likelihood of proportional odds under the penalty.

        Args:
            values: (n, features) without gaps.
            target: (n,) places of grades from 0.
        """
        grade = target.astype(np.int64)
        # The function divides the likelihood by the cases.
        penalty = 1 / (self.inverse_regularisation * len(values))
        self.coef_, self.cuts_ = fit_proportional_odds(
            values, grade, int(grade.max()) + 1, penalty, self.max_iterations
        )
        return self


class ElasticNetLeastSquares(PenalisedEstimator):
    """Least squares with an elastic net; the loss is half the sum of squares."""

    def fit(self, values: Floats, target: Floats) -> "ElasticNetLeastSquares":
        """Minimise the squares under the penalty.

        Args:
            values: (n, features) without gaps.
            target: (n,) numbers.
        """
        # scikit-learn divides the sum of squares by the cases.
        penalty = 1 / (self.inverse_regularisation * len(values))
        net = ElasticNet(alpha=penalty, l1_ratio=self.l1_ratio, max_iter=self.max_iterations)
        fitted = net.fit(values, target)
        self.coef_, self.intercept_ = fitted.coef_, float(fitted.intercept_)
        return self

    def predict(self, values: Floats) -> Floats:
        """Return (n,) fitted numbers."""
        return super().predict(values) + self.intercept_
