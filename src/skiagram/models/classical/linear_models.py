"""Linear models: least squares, and regressions by the task's loss, without and with penalties.

Linear regression fits one-hot labels (Hastie, Tibshirani and Friedman, *The Elements of Statistical
Learning*, 2nd ed. 2009, §4.2). Fitted values leave [0, 1] and are not clipped; calibration makes
probabilities of them. Ridge: Hoerl and Kennard 1970, Technometrics 12. Logistic regression is
multinomial for more than two classes, and ordered for grades (McCullagh 1980, *J. R. Stat. Soc. B*
42:109). Cox regression: Cox 1972, J. R. Stat. Soc. B 34:187, with a ridge penalty Verweij and van
Houwelingen 1994, *Statistics in Medicine* 13:2427, with an elastic net Simon et al. 2011, *Journal
of Statistical Software* 39(5). Elastic net: Zou and Hastie 2005, J. R. Stat. Soc. B 67(2).
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass
from sklearn.linear_model import LinearRegression as LeastSquares
from sklearn.linear_model import LogisticRegression as Logistic
from sklearn.linear_model import Ridge as PenalisedLeastSquares

from skiagram.arrays import Flags, Floats
from skiagram.fitting.contract import Labelled
from skiagram.models.classical.estimator import ClassicalModel, ClassWeightedModel
from skiagram.models.classical.penalised_estimators import (
    ElasticNetLeastSquares,
    OrderedLogistic,
    PenalisedCox,
)
from skiagram.records.feature_table import FeatureTable
from skiagram.strict import STRICT, AboveZero, OneOrMore, Share
from skiagram.tasks.predicted import Loss


@dataclass(**STRICT)
class LinearModel(ClassicalModel):
    """A linear model; a family fills in the estimator and its scores."""

    multiplied = ("coef_",)

    def n_parameters(self, estimator: Any) -> int:
        """Count coefficients, and intercepts or the cut-offs between grades."""
        learned = (getattr(estimator, name, ()) for name in (*self.learned, "cuts_"))
        return sum(int(np.size(part)) for part in learned)


@dataclass(**STRICT)
class LinearRegression(LinearModel):
    """Least squares on one-hot labels; of the smallest norm where features outnumber cases."""

    titles: ClassVar[Mapping[Loss, str]] = {"classification": "Linear regression"}

    def estimator(self, seed: int, loss: Loss) -> LeastSquares:
        return LeastSquares()

    @staticmethod
    def target(training: Labelled[FeatureTable]) -> Floats:
        """Give one-hot labels, (n, n_classes): each class is a number of its own to be fitted."""
        return np.eye(training.n_classes)[training.label]


@dataclass(**STRICT)
class Ridge(LinearRegression):
    """Least squares with an L2 penalty.

    Attributes:
        alpha: α of α‖w‖², > 0; larger shrinks more.
    """

    titles: ClassVar[Mapping[Loss, str]] = {"classification": "Ridge regression"}

    alpha: AboveZero

    def estimator(self, seed: int, loss: Loss) -> PenalisedLeastSquares:
        return PenalisedLeastSquares(alpha=self.alpha)


Strength = AboveZero


@dataclass(**STRICT)
class StrengthByLoss:
    """A strength for each loss, where one does not serve them all.

    Attributes:
        classification: Of classes.
        least_squares: Of a number.
        ordered_logistic: Of a grade.
        cox: Of a time to an event.
    """

    classification: Strength
    least_squares: Strength
    ordered_logistic: Strength
    cox: Strength


@dataclass(**STRICT)
class LogisticRegression(ClassWeightedModel, LinearModel):
    """A regression by the task's loss with an L2 penalty, named for classes.

    Scores are log-odds of classes, log-odds of a higher grade, standardised numbers, or log hazard
    ratios. The penalty is one in all of them: the sum of the losses of the training cases plus
    ‖w‖² / (2C) is least. The loss of a number is half the square of its standardised error, that of
    a time Cox's, summed over events.

    Attributes:
        C: Of the penalty ‖w‖² / (2C) beside the sum of the task's losses, > 0; smaller shrinks the
            coefficients more. One number for all losses, or one for each.
        max_iter: Iterations after which the fit counts as not converged.
        tol: Gradient at which a fit to classes ends; larger is quicker, and shrinks a little
            more. Other fits go on to their optimum.
    """

    titles: ClassVar[Mapping[Loss, str]] = {
        "classification": "Logistic regression",
        "least_squares": "Ridge regression",
        "ordered_logistic": "Ordered logistic regression",
        "cox": "Cox regression",
        "multilabel": "Logistic regression",
    }

    C: Strength | StrengthByLoss
    max_iter: OneOrMore
    tol: AboveZero = Field(default=1e-4, kw_only=True)

    def strength(self, loss: Loss) -> float:
        """Find C for a loss."""
        strength = self.C
        return getattr(strength, loss) if isinstance(strength, StrengthByLoss) else strength

    def estimator(self, seed: int, loss: Loss) -> Any:
        """Build the estimator of a loss; the penalty is on one scale in all of them.

        Ridge regression is told α = 1 / C: its loss is the whole sum of squares, twice ours.
        """
        # Each loss has an estimator of its own, with the same strength.
        strength = self.strength(loss)
        if loss == "least_squares":
            return PenalisedLeastSquares(alpha=1 / strength)
        if loss == "ordered_logistic":
            return OrderedLogistic(strength, self.max_iter)
        if loss == "cox":
            return PenalisedCox(strength, 0.0, self.max_iter)
        return Logistic(
            C=strength,
            class_weight=self.class_weight,
            max_iter=self.max_iter,
            tol=self.tol,
            random_state=seed,
        )


@dataclass(**STRICT)
class ElasticNet(LogisticRegression):
    """A regression by the task's loss whose penalty mixes L1 and L2.

    The sum of the losses plus (ρ‖w‖₁ + (1 − ρ)‖w‖² / 2) / C is least. An ordered grade is fitted by
    least squares on the places of the grades.

    Attributes:
        C: Of the penalty (ρ‖w‖₁ + (1 − ρ)‖w‖² / 2) / C beside the sum of the
            task's losses, > 0; smaller shrinks the coefficients more. One number for all losses, or
            one for each.
        l1_ratio: ρ, the share of the L1 penalty, which sets coefficients to 0, in [0, 1].
    """

    titles: ClassVar[Mapping[Loss, str]] = {
        "classification": "Elastic-net logistic regression",
        "least_squares": "Elastic-net regression",
        "ordered_logistic": "Elastic-net regression",
        "cox": "Elastic-net Cox regression",
        "multilabel": "Elastic-net logistic regression",
    }

    l1_ratio: Share

    def estimator(self, seed: int, loss: Loss) -> Any:
        """Build the estimator of a loss; of classes by SAGA, which alone takes both penalties."""
        # Losses without classes.
        arguments = self.strength(loss), self.l1_ratio, self.max_iter
        if loss == "cox":
            return PenalisedCox(*arguments)
        if loss in ("least_squares", "ordered_logistic"):
            return ElasticNetLeastSquares(*arguments)
        return Logistic(
            C=self.strength(loss),
            l1_ratio=self.l1_ratio,
            class_weight=self.class_weight,
            solver="saga",
            max_iter=self.max_iter,
            tol=self.tol,
            random_state=seed,
        )

    @staticmethod
    def weighted(estimator: Any) -> Flags:
        """Mark the columns whose coefficient is not 0 for some class."""
        marked: Flags = (np.atleast_2d(estimator.coef_) != 0).any(axis=0)
        return marked
