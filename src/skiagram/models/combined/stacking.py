"""Stacking: a regression weighs the members by their out-of-fold scores.

Wolpert 1992, Neural Networks 5(2); weights ≥ 0 and a ridge as Breiman 1996, *Stacked Regressions*,
Machine Learning 24, advises, here with the logistic likelihood.
"""

from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from skiagram.models.combined.combination import Combination, Mean
from skiagram.options import STRICT


@dataclass(**STRICT)
class Stacking(Combination):
    """Log-odds of the members, weighted by a logistic regression without negative weights.

    Attributes:
        inverse_regularisation: C of the ridge ‖w‖² / (2C), > 0; smaller shrinks the weights more.
    """

    kind: ClassVar[str] = "Stacking"

    inverse_regularisation: Annotated[float, Field(gt=0)]

    @property
    def averaged(self) -> Mean:
        """Return what the weighted sum is taken of."""
        return "log_odds"

    def weights(
        self, log_probability: NDArray[np.float64], label: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Maximise the penalised likelihood over weights and an intercept a class.

        The intercepts are left out of the scores: calibration gives them theirs.
        """
        log_odds = log_probability - log_probability.mean(axis=2, keepdims=True)
        members, n_classes = log_odds.shape[1:]
        one_hot = np.eye(n_classes)[label]

        def loss(theta: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            weights, intercepts = theta[:members], theta[members:]
            logits = np.einsum("nmk,m->nk", log_odds, weights) + intercepts
            residual = softmax(logits, axis=1) - one_hot
            ridge = weights / self.inverse_regularisation
            slope = np.einsum("nmk,nk->m", log_odds, residual) + ridge
            value = (
                -float((one_hot * log_softmax(logits, axis=1)).sum()) + float(weights @ ridge) / 2
            )
            return value, np.concatenate([slope, residual.sum(axis=0)])

        start = np.concatenate([np.full(members, 1 / members), np.zeros(n_classes)])
        bounds = [(0.0, None)] * members + [(-20.0, 20.0)] * n_classes
        found = minimize(loss, start, jac=True, bounds=bounds, method="L-BFGS-B")
        weights: NDArray[np.float64] = found.x[:members]
        return weights
