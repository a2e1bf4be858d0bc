"""Equally sized images on their way through the feature families, with what is known of them.

Colour is reduced to luminance, a region is found and intensities become grey levels once for all
families that need them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from skiagram.arrays import Flags, Floats
from skiagram.errors import refusal
from skiagram.features.discretisation import Discretisation, GreyLevels, count_levels
from skiagram.images import ends_of, luminance

_LEVELS = Discretisation(bin_number=256, bin_width=None)


def bright_region(images: NDArray[np.floating[Any]], inside: Flags) -> Flags:
    """Find the pixels of (n, height, width) images above Otsu's threshold over 256 levels.

    Otsu, IEEE Trans. SMC 9(1), 1979.

    Returns:
        (n, height, width), within `inside`; all of it where the intensities are constant.
    """
    # Shares of the 256 levels up to each threshold.
    grey = _LEVELS.grey_levels(images, inside)
    counts = count_levels(grey.levels, grey.number)
    shares = counts / counts.sum(axis=1, keepdims=True)
    below = np.cumsum(shares, axis=1)
    moment = np.cumsum(shares * np.arange(1, grey.number + 1), axis=1)
    # Otsu's threshold has the largest variance between both sides.
    spread = below * (1 - below)
    between = (moment[:, -1:] * below - moment) ** 2
    np.divide(between, spread, out=between, where=spread > 1e-12)
    between[spread <= 1e-12] = 0
    threshold = np.where(between.max(axis=1) > 0, between.argmax(axis=1) + 1, 0)
    return grey.levels[:, 0] > threshold[:, None, None]


Region = Literal["whole", "bright"]


@dataclass(frozen=True)
class FeatureBatch:
    """Equally sized images; what several families need is computed once.

    Attributes:
        images: (n, height, width) or (n, height, width, channels), or volumes of (n, depth,
            height, width, 1); float32, finite.
        masks: (n, [depth,] height, width), true in the region of interest; None for the whole
            image.
        outlines: Of the same shape, the region before intensities were left out of it by
            re-segmentation (the IBSI's morphological mask); None where nothing was.
        spacing: (n, 2) row and column spacing in mm, before them a volume's slice spacing; NaN
            where unknown; None for all unknown.
        margin: What a restoration kept of the image around the region, in mm; None for all.
    """

    images: NDArray[Any]
    masks: Flags | None = None
    spacing: Floats | None = None
    outlines: Flags | None = None
    margin: float | None = None
    _cache: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.images)

    @property
    def volumes(self) -> bool:
        return self.images.ndim == 5

    def row(self, number: int) -> "FeatureBatch":
        """Take one image as a batch of its own, with its spacing."""
        only = slice(number, number + 1)
        spacing = None if self.spacing is None else self.spacing[only]
        return replace(self._part((only,)), spacing=spacing)

    def _part(self, part: tuple[slice, ...]) -> "FeatureBatch":
        """Cut images, masks and outlines alike, without a copy."""
        masks = None if self.masks is None else self.masks[part]
        outlines = None if self.outlines is None else self.outlines[part]
        return replace(self, images=self.images[part], masks=masks, outlines=outlines)

    @property
    def forms(self) -> Flags | None:
        """The regions that form and borders are measured on; None for the whole images."""
        return self.masks if self.outlines is None else self.outlines

    def cropped(self, margin: Sequence[int] | None = None) -> "FeatureBatch":
        """Cut the images to the smallest box that holds all regions, without a copy.

        The work of whatever looks no further than the region then grows with the region.

        Args:
            margin: Pixels around the box that are kept, of each axis; None for none.
        """
        # Without regions nothing is cut.
        if self.masks is None or self.forms is None:
            return self
        around = tuple(margin or [0] * (self.forms.ndim - 1))
        key = ("cropped", around)
        if key not in self._cache:
            within = (
                slice(max(0, first - more), last + more)
                for (first, last), more in zip(self._box[-len(around) :], around, strict=True)
            )
            self._cache[key] = self._part((slice(None), *within))
        return self._cache[key]

    @cached_property
    def _box(self) -> tuple[tuple[int, int], ...]:
        """Find where the regions of all images begin and end; the whole images if all are empty.

        Of several images the regions are joined: one box holds them all, so that they stay one
        array.
        """
        *_, height, width = self.images.shape[: 4 if self.volumes else 3]
        slices = np.asarray(self.forms).reshape(len(self), -1, height, width)
        ends = ends_of(slices[0] if len(self) == 1 else np.asarray(slices.any(axis=0)))
        return ends if ends[0][1] > 0 else ((0, slices.shape[1]), (0, height), (0, width))

    def check_planes(self, family: str) -> None:
        """Refuse volumes for a family that looks at planes."""
        if self.volumes:
            raise refusal(
                "features.no_volumes",
                family=family,
                slices=self.images.shape[1],
            )

    def grey(self, family: str) -> NDArray[Any]:
        """Read the intensities (n, [depth,] height, width) in the images' own depth.

        They are not to be changed: those of one channel are no copy, of which `luminance` makes one
        in twice the memory.
        """
        if self.volumes:
            return self.images[..., 0]
        return self.images if self.images.ndim == 3 else self.luminance(family)

    def luminance(self, family: str) -> Floats:
        """Compute the luminance of plane images, float64; one channel keeps its values.

        Args:
            family: That asks, to be named where colour cannot be reduced.

        Returns:
            (n, height, width); of colour it is kept for other families.
        """
        self.check_planes(family)
        if self.images.ndim == 3:  # quicker to make again than worth its memory
            return luminance(self.images, family)
        if "luminance" not in self._cache:
            self._cache["luminance"] = luminance(self.images, family)
        return self._cache["luminance"]

    def intensities(self, family: str) -> Floats:
        """Read intensities (n, [depth,] height, width), float64; colour becomes its luminance."""
        return self.grey(family).astype(np.float64, copy=False)

    def region(self, region: Region, family: str) -> Flags:
        """Find the pixels (n, [depth,] height, width) that features are computed on.

        `whole` is all of each image where there is no region, `bright` all of a constant one.
        """
        key = ("region", region)
        if key in self._cache:
            # Without masks the region is the whole image.
            return self._cache[key]
        shape = self.images.shape[: 4 if self.volumes else 3]
        inside = np.ones(shape, dtype=np.bool_) if self.masks is None else self.masks
        if not inside.reshape(len(self), -1).any(axis=1).all():
            raise refusal("features.empty_region")
        # The bright part of the region, by Otsu's threshold.
        if region == "bright":
            grey = self.grey(family)
            rows = (len(self), -1, grey.shape[-1])  # the threshold asks for no neighbours
            inside = bright_region(grey.reshape(rows), inside.reshape(rows)).reshape(grey.shape)
        self._cache[key] = inside
        return inside

    def inside(self, region: Region, family: str) -> Flags | None:
        """Find the pixels of `region`, or None where that is all of each image."""
        if region == "whole" and self.masks is None:
            return None
        return self.region(region, family)

    def levels(self, discretisation: Discretisation, region: Region, family: str) -> GreyLevels:
        """Compute the grey levels of a region, cut to its box.

        Args:
            discretisation: How intensities become levels; families that agree on it share them.
            region: The region.
            family: That asks, to be named.
        """
        # Several families share the grey levels of one discretisation.
        key = (discretisation, region)
        if key in self._cache:
            return self._cache[key]
        boxed = region == "whole" and self.masks is not None
        part = self if boxed else self.cropped()
        inside = part.masks if boxed else part.inside(region, family)
        box = self._box if boxed else None
        levels = discretisation.grey_levels(part.grey(family), inside, box)
        # The outline goes along for families that measure distances to it.
        outline = self.cropped().outlines
        if outline is not None:
            levels = replace(levels, outline=outline.reshape(levels.levels.shape))
        self._cache[key] = levels
        return levels
