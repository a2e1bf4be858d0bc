"""Estimators with penalties that scikit-learn has not, all on one scale.

The sum of the losses plus (ρ‖w‖₁ + (1 − ρ)‖w‖² / 2) / C is least, as in scikit-learn's logistic
regression: C means the same in whatever is learned, however many cases there are.
"""

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.linear_model import ElasticNet

from skiagram.statistics.cox import fit_elastic_net, fit_ridge
from skiagram.statistics.proportional_odds import fit_proportional_odds

Values = NDArray[np.float64]


class PenalisedCox(BaseEstimator):  # type: ignore[misc]
    """Log hazard ratios by Cox's partial likelihood; without an L1 part (ρ = 0) a ridge."""

    def __init__(self, inverse_regularisation: float, l1_ratio: float, max_iterations: int) -> None:
        self.inverse_regularisation = inverse_regularisation
        self.l1_ratio = l1_ratio
        self.max_iterations = max_iterations

    def fit(self, values: Values, target: Values) -> "PenalisedCox":
        """Fit to (n, 2) times and events, 1 or 0."""
        # The functions of statistics divide the likelihood by the cases.
        penalty = 1 / (self.inverse_regularisation * len(values))
        given = values, target[:, 0], target[:, 1] > 0, penalty
        if self.l1_ratio > 0:
            self.coef_ = fit_elastic_net(*given, self.l1_ratio, self.max_iterations)
        else:
            self.coef_ = fit_ridge(*given, self.max_iterations)
        return self

    def predict(self, values: Values) -> Values:
        """Return (n,) log hazard ratios."""
        scores: Values = values @ self.coef_
        return scores


class OrderedLogistic(BaseEstimator):  # type: ignore[misc]
    """The score of an ordered logistic regression (proportional odds) with an L2 penalty."""

    def __init__(self, inverse_regularisation: float, max_iterations: int) -> None:
        self.inverse_regularisation = inverse_regularisation
        self.max_iterations = max_iterations

    def fit(self, values: Values, target: Values) -> "OrderedLogistic":
        """Fit to (n,) places of grades from 0."""
        grade = target.astype(np.int64)
        penalty = 1 / (self.inverse_regularisation * len(values))
        given = grade, int(grade.max()) + 1, penalty, self.max_iterations
        self.coef_, self.cuts_ = fit_proportional_odds(values, *given)
        return self

    def predict(self, values: Values) -> Values:
        """Return (n,) scores: the log-odds of a higher grade, up to a constant a cut-off."""
        scores: Values = values @ self.coef_
        return scores


class ElasticNetLeastSquares(BaseEstimator):  # type: ignore[misc]
    """Least squares with an elastic net; the loss is half the sum of squares."""

    def __init__(self, inverse_regularisation: float, l1_ratio: float, max_iterations: int) -> None:
        self.inverse_regularisation = inverse_regularisation
        self.l1_ratio = l1_ratio
        self.max_iterations = max_iterations

    def fit(self, values: Values, target: Values) -> "ElasticNetLeastSquares":
        """Fit to (n,) numbers."""
        # scikit-learn divides the sum of squares by the cases.
        penalty = 1 / (self.inverse_regularisation * len(values))
        given = {"l1_ratio": self.l1_ratio, "max_iter": self.max_iterations}
        fitted = ElasticNet(alpha=penalty, **given).fit(values, target)
        self.coef_, self.intercept_ = fitted.coef_, float(fitted.intercept_)
        return self

    def predict(self, values: Values) -> Values:
        """Return (n,) fitted numbers."""
        scores: Values = values @ self.coef_ + self.intercept_
        return scores
