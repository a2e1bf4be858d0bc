"""Equally sized images on their way through the feature families, with what is known of them."""

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from skiagram.errors import DataError
from skiagram.features.discretisation import Discretisation, GreyLevels
from skiagram.features.kernels.zones import zone_forest
from skiagram.features.luminance import luminance
from skiagram.features.region import bright_region

_MOST_KEPT = 2**24  # pixels of zones, 64 MB
Region = Literal["whole", "bright"]
VOLUME_FAMILIES = (
    *("first_order", "intensity_histogram", "glcm", "glrlm", "glszm", "gldzm", "ngtdm", "ngldm"),
    "acquisition",
)


@dataclass(frozen=True)
class Batch:
    """Equally sized images; what several families need is computed once.

    Attributes:
        images: (n, height, width) or (n, height, width, channels), or volumes of (n, depth,
            height, width, 1); float32, finite.
        masks: (n, [depth,] height, width), true in the region of interest; None for the whole
            image.
        spacing: (n, 2) row and column spacing in mm, before them a volume's slice spacing; NaN
            where unknown; None for all unknown.
    """

    images: NDArray[Any]
    masks: NDArray[np.bool_] | None = None
    spacing: NDArray[np.float64] | None = None
    _found: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.images)

    @property
    def volumes(self) -> bool:
        """Whether the images are volumes."""
        return self.images.ndim == 5

    def row(self, at: int) -> "Batch":
        """Return one image as a batch of its own."""
        one = slice(at, at + 1)
        masks = None if self.masks is None else self.masks[one]
        spacing = None if self.spacing is None else self.spacing[one]
        return Batch(self.images[one], masks, spacing)

    def check_planes(self, family: str) -> None:
        """Refuse volumes.

        Args:
            family: Name of the family, for the message.

        Raises:
            DataError: The images are volumes.
        """
        if self.volumes:
            raise DataError(
                f"`{family}` is not defined for volumes, here of {self.images.shape[1]} slices",
                where="features",
                allowed=f"images of rows and columns; for volumes {', '.join(VOLUME_FAMILIES)}",
                remedy=f"leave `{family}` out of `features`",
            )

    def check_whole(self, family: str) -> None:
        """Refuse regions of interest.

        Args:
            family: Name of the family, for the message.

        Raises:
            DataError: The images have masks.
        """
        if self.masks is not None:
            raise DataError(
                f"`{family}` is not defined in a region of interest",
                where="features",
                allowed="images without a mask",
                remedy=f"leave `{family}` out of `features`",
            )

    def planes(self, family: str) -> NDArray[Any]:
        """Return the intensities (n, height, width) in the images' own depth, not to be changed.

        Those of one channel are no copy, of which `luminance` makes one in twice the memory.

        Args:
            family: Name of the family, for the message.

        Raises:
            DataError: The images are volumes or have neither one channel nor three.
        """
        self.check_planes(family)
        return self.images if self.images.ndim == 3 else self.luminance(family)

    def luminance(self, family: str) -> NDArray[np.float64]:
        """Return the intensities (n, height, width) that a family of grey images works on.

        Args:
            family: Name of the family, for the message.

        Raises:
            DataError: The images are volumes or have neither one channel nor three.
        """
        self.check_planes(family)
        if self.images.ndim == 3:  # quicker to make again than worth its memory
            return luminance(self.images, family)
        if "luminance" not in self._found:
            self._found["luminance"] = luminance(self.images, family)
        grey: NDArray[np.float64] = self._found["luminance"]
        return grey

    def intensities(self, family: str) -> NDArray[np.float64]:
        """Return what a family works on that is defined for images and for volumes.

        Args:
            family: Name of the family, for the message.

        Returns:
            (n, height, width), or (n, depth, height, width) of volumes.

        Raises:
            DataError: The images have neither one channel nor three.
        """
        if not self.volumes:
            return self.luminance(family)
        return self.images[..., 0].astype(np.float64)

    def region(self, which: Region, family: str) -> NDArray[np.bool_]:
        """Return the pixels (n, [depth,] height, width) that features are computed on.

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
            grey = self.intensities(family)
            inside = np.ones(grey.shape, dtype=np.bool_) if self.masks is None else self.masks
            if not inside.reshape(len(self), -1).any(axis=1).all():
                raise DataError(
                    "the region of interest has no pixel",
                    where="features",
                    allowed="at least one pixel",
                )
            if which == "bright":
                rows = (len(self), -1, grey.shape[-1])  # the threshold asks for no neighbours
                inside = bright_region(grey.reshape(rows), inside.reshape(rows))
                inside = inside.reshape(grey.shape)
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
            grey = self.images[..., 0] if self.volumes else self.planes(family)
            self._found[discretisation, which] = discretisation.grey_levels(grey, inside)
        levels: GreyLevels = self._found[discretisation, which]
        return levels

    def zones(
        self, discretisation: Discretisation, which: Region, family: str
    ) -> NDArray[np.int32]:
        """Return the `zone_forest` of the grey levels; arguments and errors are those of `levels`.

        It takes the memory of the images, so the largest are searched again for each family.
        """
        key = ("zones", discretisation, which)
        if key in self._found:
            kept: NDArray[np.int32] = self._found[key]
            return kept
        forest = zone_forest(self.levels(discretisation, which, family).levels)
        if forest.size <= _MOST_KEPT:
            self._found[key] = forest
        return forest
