"""First-order statistics (placeholder family of the first slice)."""

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from skiagram.options import STRICT


@dataclass(**STRICT)
class Statistics:
    """Moments of the intensities."""

    def names(self) -> tuple[str, ...]:
        """Return the feature names."""
        return (
            "statistics_mean",
            "statistics_variance",
            "statistics_minimum",
            "statistics_maximum",
        )

    def extract(self, images: NDArray[np.float32]) -> NDArray[np.float64]:
        """Compute the features of a batch."""
        flat = images.reshape(len(images), -1).astype(np.float64)
        return np.stack([flat.mean(1), flat.var(1), flat.min(1), flat.max(1)], axis=1)
