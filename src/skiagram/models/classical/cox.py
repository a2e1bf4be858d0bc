"""Cox regression of a time to an event on features; scores are log hazard ratios.

Cox 1972, J. R. Stat. Soc. B 34:187; with a ridge penalty Verweij & van Houwelingen 1994,
*Statistics in Medicine* 13:2427; with an elastic net Simon et al. 2011, *Journal of Statistical
Software* 39(5), whose scale of the penalty both have.
"""

from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass
from sklearn.base import BaseEstimator

from skiagram.errors import DataError, OptionError
from skiagram.features.table import FeatureTable
from skiagram.models.classical.linear_models import LinearModel
from skiagram.models.contract import Labelled
from skiagram.options import STRICT
from skiagram.statistics.cox import fit_elastic_net, fit_ridge


class PenalisedCox(BaseEstimator):  # type: ignore[misc]
    """An estimator of log hazard ratios; `CoxRegression` and `CoxElasticNet` say how."""

    def __init__(self, penalty: float, l1_ratio: float, max_iterations: int) -> None:
        self.penalty = penalty
        self.l1_ratio = l1_ratio
        self.max_iterations = max_iterations

    def fit(self, values: NDArray[np.float64], target: NDArray[np.float64]) -> "PenalisedCox":
        """Fit to (n, 2) times and events, 1 or 0."""
        given = values, target[:, 0], target[:, 1] > 0, self.penalty
        if self.l1_ratio > 0:
            self.coef_ = fit_elastic_net(*given, self.l1_ratio, self.max_iterations)
        else:
            self.coef_ = fit_ridge(*given, self.max_iterations)
        return self

    def predict(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (n,) log hazard ratios."""
        scores: NDArray[np.float64] = values @ self.coef_
        return scores


@dataclass(**STRICT)
class CoxRegression(LinearModel):
    """Cox regression with an L2 penalty.

    Attributes:
        penalty: α of α‖w‖² / 2 beside the mean log partial likelihood, > 0; larger shrinks more.
        max_iterations: Steps after which the fit counts as not converged.
    """

    kind: ClassVar[str] = "Cox regression"
    learns: ClassVar[tuple[str, ...]] = ("time",)

    penalty: Annotated[float, Field(gt=0)]
    max_iterations: Annotated[int, Field(ge=1)]

    def __post_init__(self) -> None:
        if self.selection is not None and self.selection.method != "variance":
            raise OptionError(
                f"`{self.selection.method}` chooses columns by classes",
                where="model.selection",
                allowed="null, or the method variance",
            )

    def estimator(self, seed: int) -> PenalisedCox:
        return PenalisedCox(self.penalty, 0.0, self.max_iterations)

    @staticmethod
    def target(training: Labelled[FeatureTable]) -> NDArray[np.float64]:
        if training.value is None:
            raise DataError("cases without times", where="Cox regression")
        return np.stack([training.value, training.label], axis=1)

    @staticmethod
    def class_scores(estimator: Any, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (n, 1) log hazard ratios."""
        return np.asarray(estimator.predict(values), dtype=np.float64)[:, None]

    @staticmethod
    def n_parameters(estimator: Any) -> int:
        return int(estimator.coef_.size)


@dataclass(**STRICT)
class CoxElasticNet(CoxRegression):
    """Cox regression whose penalty mixes L1 and L2.

    Attributes:
        l1_ratio: Share of the L1 penalty, which sets coefficients to 0, in (0, 1].
    """

    kind: ClassVar[str] = "Elastic-net Cox regression"

    l1_ratio: Annotated[float, Field(gt=0, le=1)]

    def estimator(self, seed: int) -> PenalisedCox:
        return PenalisedCox(self.penalty, self.l1_ratio, self.max_iterations)

    @staticmethod
    def weighted(estimator: Any) -> NDArray[np.bool_]:
        marked: NDArray[np.bool_] = estimator.coef_ != 0
        return marked
