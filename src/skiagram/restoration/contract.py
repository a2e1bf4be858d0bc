"""What a restoration does to one image; it never looks beyond it."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from skiagram.store import Image


@dataclass(frozen=True)
class Treatment:
    """What was done to one case.

    Attributes:
        missing: Missing pixels filled.
        outliers: Outlying pixels replaced.
        noise: Estimated standard deviation of the noise, intensity units; NaN when not estimated.
    """

    missing: int
    outliers: int
    noise: float


class Restoration(Protocol):
    """The options dataclass of a restoration."""

    def restore(self, image: Image) -> tuple[NDArray[np.float32], Treatment]:
        """Restore one image.

        Args:
            image: (height, width[, channels]) of any stored depth; missing pixels are NaN.

        Returns:
            The restored image, same shape, float32, and what was done.
        """
