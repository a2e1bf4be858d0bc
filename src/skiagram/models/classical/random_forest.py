"""Random forest (Breiman 2001, *Random Forests*, Machine Learning 45:5–32)."""

from typing import ClassVar

from pydantic.dataclasses import dataclass
from sklearn.ensemble import RandomForestClassifier

from skiagram.models.classical.forest import Forest
from skiagram.options import STRICT


@dataclass(**STRICT)
class RandomForest(Forest):
    """Each tree sees a bootstrap sample and splits where a class is parted best."""

    kind: ClassVar[str] = "Random forest"

    def estimator(self, seed: int) -> RandomForestClassifier:
        """Return the estimator."""
        return RandomForestClassifier(**self._options(seed))
