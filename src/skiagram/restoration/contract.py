"""What a restoration does to one image; it never looks beyond it.

The one exception is named: a mean image learned from development cases may fill missing pixels.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from skiagram.store import Image

Plane = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Treatment:
    """What was done to one case; counts are pixel values, so each channel counts on its own.

    Attributes:
        missing: Missing values found: filled, or left as NaN where filling is off.
        outliers: Outlying values replaced, those on dead lines included.
        dead_lines: Dead rows and columns among them.
        noise: Standard deviation of the noise taken out, intensity units, root mean square over
            channels; NaN when denoising is off or the image is too small for it.
    """

    missing: int
    outliers: int
    dead_lines: int
    noise: float


class Restoration(Protocol):
    """The options dataclass of a restoration."""

    @property
    def needs_training_mean(self) -> bool:
        """Whether `restore` must be given the mean development image."""

    def restore(
        self, image: Image, training_mean: Plane | None = None
    ) -> tuple[NDArray[np.float32], Treatment]:
        """Restore one image.

        Args:
            image: (height, width[, channels]) of any stored depth; NaN and ±inf are missing.
            training_mean: Mean development image of the same shape, where it is needed.

        Returns:
            The restored image, same shape, float32, and what was done.

        Raises:
            DataError: Nothing is left to restore from.
        """
