"""Extremely randomised trees (Geurts, Ernst and Wehenkel 2006, Machine Learning 63:3–42)."""

from typing import ClassVar

from pydantic.dataclasses import dataclass
from sklearn.ensemble import ExtraTreesClassifier

from skiagram.models.classical.forest import Forest
from skiagram.options import STRICT


@dataclass(**STRICT)
class ExtraTrees(Forest):
    """Each tree sees all cases and tries one random threshold a feature."""

    kind: ClassVar[str] = "Extremely randomised trees"

    def estimator(self, seed: int) -> ExtraTreesClassifier:
        """Return the estimator."""
        return ExtraTreesClassifier(**self._options(seed))
