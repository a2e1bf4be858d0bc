"""The k nearest neighbours (Cover and Hart 1967, IEEE Transactions on Information Theory 13)."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic.dataclasses import dataclass
from sklearn.neighbors import KNeighborsClassifier

from skiagram.models.classical.estimator import ClassicalModel
from skiagram.strict import STRICT, OneOrMore
from skiagram.tasks.predicted import Loss


@dataclass(**STRICT)
class NearestNeighbours(ClassicalModel):
    """Nearest neighbours; scores are the shares of classes among them, in [0, 1].

    Attributes:
        n_neighbors: Training cases that vote.
    """

    titles: ClassVar[Mapping[Loss, str]] = {"classification": "Nearest neighbours"}
    learned = multiplied = ("_fit_X",)  # features of the training cases, each of which is compared

    n_neighbors: OneOrMore

    def estimator(self, seed: int, loss: Loss) -> KNeighborsClassifier:
        """Build the estimator; it compares with every case, as a search tree cannot be saved."""
        return KNeighborsClassifier(self.n_neighbors, algorithm="brute")
