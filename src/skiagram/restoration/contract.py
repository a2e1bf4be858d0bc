"""What a restoration does to images; it never looks beyond the single image.

The one exception is named: a mean image learned from development cases may fill missing pixels.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from skiagram.image_store.shards import Image
from skiagram.restoration.regions import RegionPreparation

Plane = NDArray[np.float32]  # (height, width[, channels]), of volumes (depth, height, width, 1)
Planes = NDArray[np.float32]  # (n, height, width)
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Treatment:
    """What was done to one case; counts are of pixels, each channel and slice on its own.

    Attributes:
        missing: Missing values found: filled, or left as NaN where filling is off.
        outliers: Outlying values replaced, those on dead lines included.
        dead_lines: Dead rows and columns among them.
        noise: Standard deviation of the noise taken out, intensity units, root mean square over
            channels or slices; NaN when denoising is off or the image is too small for it.
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

    @property
    def region(self) -> RegionPreparation | None:
        """What is done to a restored image and its region of interest; None for nothing."""

    def restore(
        self, images: Image, training_mean: Plane | None = None
    ) -> tuple[NDArray[np.float32], tuple[Treatment, ...]]:
        """Restore equally sized images, each on its own: one by one gives the same.

        Args:
            images: (n, height, width[, channels]) or (n, depth, height, width, 1), of any depth;
                NaN, ±inf and what float32 cannot hold are missing.
            training_mean: Mean development image of an image's shape, where it is needed.

        Returns:
            The restored images, same shape, float32, and what was done to each.

        Raises:
            DataError: Nothing is left of an image to restore it from.
        """
