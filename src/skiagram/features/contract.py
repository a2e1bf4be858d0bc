"""What every feature family offers. A new family is one file here and one option file."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from skiagram.features.batch import Batch
from skiagram.features.definition import Definition


class FeatureFamily(Protocol):
    """The options dataclass of a feature family."""

    def names(self) -> tuple[str, ...]:
        """Return the feature names in column order, for example `first_order_skewness`."""

    def definitions(self) -> Sequence[Definition]:
        """Return what the features mean: each name fits one definition, each definition a name."""

    def extract(self, batch: Batch) -> NDArray[np.float64]:
        """Compute the features of a batch of equally sized images.

        Args:
            batch: n images, finite.

        Returns:
            (n, n_features) float64, finite.

        Raises:
            DataError: The family is not defined for such images.
        """
