"""The k nearest neighbours (Cover and Hart 1967, IEEE Transactions on Information Theory 13)."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass
from sklearn.neighbors import KNeighborsClassifier

from skiagram.models.classical.estimator import ClassicalModel
from skiagram.strict import STRICT
from skiagram.tasks.predicted import Loss


@dataclass(**STRICT)
class NearestNeighbours(ClassicalModel):
    """Nearest neighbours; scores are the shares of classes among them, in [0, 1].

    Attributes:
        n_neighbors: Training cases that vote.
    """

    titles: ClassVar[Mapping[Loss, str]] = {"classification": "Nearest neighbours"}

    n_neighbors: Annotated[int, Field(ge=1)]

    def estimator(self, seed: int, loss: Loss) -> KNeighborsClassifier:
        """Build the estimator; it compares with every case, as a search tree cannot be saved."""
        return KNeighborsClassifier(self.n_neighbors, algorithm="brute")

    @staticmethod
    def n_parameters(estimator: Any) -> int:
        """Count the features of the training cases, which the model keeps."""
        return int(estimator.n_samples_fit_ * estimator.n_features_in_)

    @staticmethod
    def multiply_adds(estimator: Any) -> int:
        """Count the distance to each training case."""
        return int(estimator.n_samples_fit_ * estimator.n_features_in_)
