"""Equally sized images on their way through the feature families, with what is known of them."""

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from skiagram.errors import DataError
from skiagram.features.discretisation import Discretisation, GreyLevels
from skiagram.features.luminance import luminance
from skiagram.features.region import bright_region

Region = Literal["whole", "bright"]


@dataclass(frozen=True)
class Batch:
    """Equally sized images; what several families need is computed once.

    Attributes:
        images: (n, height, width) or (n, height, width, channels), float32, finite.
        masks: (n, height, width), true in the region of interest; None for the whole image.
        spacing: (n, 2) row and column spacing in mm, NaN where unknown; None for all unknown.
    """

    images: NDArray[Any]
    masks: NDArray[np.bool_] | None = None
    spacing: NDArray[np.float64] | None = None
    _found: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.images)

    def row(self, at: int) -> "Batch":
        """Return one image as a batch of its own."""
        one = slice(at, at + 1)
        masks = None if self.masks is None else self.masks[one]
        spacing = None if self.spacing is None else self.spacing[one]
        return Batch(self.images[one], masks, spacing)

    def luminance(self, family: str) -> NDArray[np.float64]:
        """Return the intensities (n, height, width) that a family of grey images works on.

        Args:
            family: Name of the family, for the message.

        Raises:
            DataError: The images have neither one channel nor three.
        """
        if "luminance" not in self._found:
            self._found["luminance"] = luminance(self.images, family)
        grey: NDArray[np.float64] = self._found["luminance"]
        return grey

    def region(self, which: Region, family: str) -> NDArray[np.bool_]:
        """Return the pixels (n, height, width) that features are computed on.

        Args:
            which: `whole` for the region of interest, or all of the image where there is none;
                `bright` for what Otsu's threshold calls bright (IEEE Trans. SMC 9(1), 1979), all
                of a constant image.
            family: Name of the family, for the message.

        Raises:
            DataError: The images have neither one channel nor three, or a region of interest has
                no pixel.
        """
        if ("region", which) not in self._found:
            grey = self.luminance(family)
            inside = np.ones(grey.shape, dtype=np.bool_) if self.masks is None else self.masks
            if not inside.any(axis=(1, 2)).all():
                raise DataError(
                    "the region of interest has no pixel",
                    where="features",
                    allowed="at least one pixel",
                )
            if which == "bright":
                inside = bright_region(grey, inside)
            self._found["region", which] = inside
        found: NDArray[np.bool_] = self._found["region", which]
        return found

    def levels(self, discretisation: Discretisation, which: Region, family: str) -> GreyLevels:
        """Return the grey levels of a region.

        Args:
            discretisation: How intensities become grey levels.
            which: The region, as in `region`.
            family: Name of the family, for the message.

        Raises:
            DataError: The images have neither one channel nor three, a region of interest has no
                pixel, or there are too many levels.
        """
        if (discretisation, which) not in self._found:
            inside = None if self.masks is None and which == "whole" else self.region(which, family)
            found = discretisation.grey_levels(self.luminance(family), inside)
            self._found[discretisation, which] = found
        levels: GreyLevels = self._found[discretisation, which]
        return levels
