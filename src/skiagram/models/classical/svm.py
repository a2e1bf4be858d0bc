"""Support vector machine (Cortes and Vapnik 1995, *Support-Vector Networks*)."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic.dataclasses import dataclass
from sklearn.svm import SVC

from skiagram.models.classical.estimator import ClassWeightedModel
from skiagram.strict import STRICT, AboveZero
from skiagram.tasks.predicted import Loss


@dataclass(**STRICT)
class SupportVectorMachine(ClassWeightedModel):
    """A kernel SVM; scores are signed distances, one class against the rest.

    Attributes:
        kernel: `rbf` exp(−γ‖x − y‖²), `poly` (γ⟨x, y⟩)³ or `linear` ⟨x, y⟩.
        C: The cost of a case inside the margin, > 0; smaller widens the margin.
        gamma: γ, > 0, or `scale` for 1 / (n_features · variance of all values).
    """

    titles: ClassVar[Mapping[Loss, str]] = {"classification": "Support vector machine"}
    learned = ("support_vectors_", "dual_coef_", "intercept_")
    multiplied = ("support_vectors_", "dual_coef_")

    kernel: Literal["rbf", "poly", "linear"]
    C: AboveZero
    gamma: Literal["scale"] | AboveZero

    def estimator(self, seed: int, loss: Loss) -> SVC:
        """Build the estimator; without probabilities of its own it draws nothing at random."""
        return SVC(
            kernel=self.kernel,
            C=self.C,
            gamma=self.gamma,
            class_weight=self.class_weight,
            decision_function_shape="ovr",
        )
