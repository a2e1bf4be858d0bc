"""Equally sized images on their way through the feature families, with what is known of them.

Colour is reduced to luminance, a region is found and intensities become grey levels once for all
families that need them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from skiagram.compute.compiled import compiled
from skiagram.errors import DataError
from skiagram.features.discretisation import Discretisation, GreyLevels

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

# Red, green and blue shares of luminance, Recommendation ITU-R BT.709-6, section 3.
_WEIGHTS = np.array([0.2126, 0.7152, 0.0722])


def luminance(images: NDArray[Any], family: str) -> NDArray[np.float64]:
    """Return the intensities that a feature family works on.

    Args:
        images: (n, height, width), taken as they are, or (n, height, width, 3) red, green, blue.

    Returns:
        (n, height, width) float64 in the unit of the images.
    """
    if images.ndim == 3:
        return images.astype(np.float64)
    if images.shape[-1] != len(_WEIGHTS):
        raise DataError(
            f"`{family}` is not defined for {images.shape[-1]} channels",
            where="features",
            allowed="1 channel, or 3 (red, green, blue) reduced to luminance",
            remedy=f"leave `{family}` out of `features`, or store one channel",
        )
    return images.astype(np.float64) @ _WEIGHTS


_LEVELS = 256


def bright_region(images: NDArray[np.float64], inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the pixels above Otsu's threshold over 256 grey levels.

    Otsu, IEEE Trans. SMC 9(1), 1979.

    Args:
        images: (n, height, width), finite.
        inside: (n, height, width), true where to look; at least one pixel per image.

    Returns:
        (n, height, width), within `inside`; all of it where the intensities are constant.
    """
    counts, scale = _count_levels(images, inside)
    shares = counts / counts.sum(axis=1, keepdims=True)
    below = np.cumsum(shares, axis=1)
    moment = np.cumsum(shares * np.arange(1, _LEVELS + 1), axis=1)
    spread = below * (1 - below)
    between = np.divide(
        (moment[:, -1:] * below - moment) ** 2,
        spread,
        out=np.zeros_like(spread),
        where=spread > 1e-12,
    )
    threshold = np.where(between.max(axis=1) > 0, between.argmax(axis=1), -1)
    return _above(images, inside, scale, threshold)


@compiled
def _count_levels(
    images: NDArray[np.float64], inside: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Count the pixels of each level from 0; return also the lowest intensity and the range."""
    n, height, width = images.shape
    counts, scale = np.zeros((n, _LEVELS), dtype=np.int64), np.empty((n, 2))
    for image in range(n):
        lowest, highest = np.inf, -np.inf
        for y in range(height):
            for x in range(width):
                if inside[image, y, x]:
                    lowest = min(lowest, images[image, y, x])
                    highest = max(highest, images[image, y, x])
        scale[image, 0], scale[image, 1] = lowest, highest - lowest
        for y in range(height):
            for x in range(width):
                if inside[image, y, x]:
                    counts[image, _level(images[image, y, x], lowest, highest - lowest)] += 1
    return counts, scale


@compiled
def _above(images: Floats, inside: Flags, scale: Floats, threshold: NDArray[np.int64]) -> Flags:
    n, height, width = images.shape
    bright = np.zeros(inside.shape, dtype=np.bool_)
    for image in range(n):
        for y in range(height):
            for x in range(width):
                if inside[image, y, x]:
                    level = _level(images[image, y, x], scale[image, 0], scale[image, 1])
                    bright[image, y, x] = level > threshold[image]
    return bright


@compiled
def _level(intensity: float, lowest: float, spread: float) -> int:
    if spread == 0:
        return 0
    return min(int(_LEVELS * (intensity - lowest) / spread), _LEVELS - 1)


Span = tuple[int, int]
Box = tuple[Span, Span, Span]


@compiled
def bounding_box(masks: Flags) -> Box:
    """Return where the regions of all images begin and end.

    Empty slices are read four at a time, since memory is quicker in several places at once; the
    rows and columns of the others are looked at only outside of what is known.

    Args:
        masks: (n, depth, height, width), row by row in memory.

    Returns:
        First and last + 1 of slices, of rows and of columns; 0 and 0 where nothing is true.
    """
    n, depth, height, width = masks.shape
    slices, shape = masks.reshape(n * depth, height * width), (height, width)
    front, back, box = depth, 0, np.empty((2, 2), dtype=np.int64)
    box[0, 0], box[0, 1], box[1, 0], box[1, 1] = height, 0, width, 0
    for first in range(0, len(slices), _AT_ONCE):
        last = min(first + _AT_ONCE, len(slices))
        if last - first == _AT_ONCE and not _occurs_in_four(slices[first:last].reshape(-1)):
            continue
        for number in range(first, last):
            if _widen(slices[number].reshape(shape), box):
                front, back = min(front, number % depth), max(back, number % depth + 1)
    if back == 0:
        return (0, 0), (0, 0), (0, 0)
    return (front, back), (box[0, 0], box[0, 1]), (box[1, 0], box[1, 1])


_AT_ONCE = 4


@compiled
def _widen(mask: Flags, box: NDArray[np.int64]) -> bool:
    """Widen first and last + 1 of rows and of columns to where a mask has a pixel; has it any?"""
    height, width = mask.shape
    top, bottom, left, right = box[0, 0], box[0, 1], box[1, 0], box[1, 1]
    occupied = False
    if _occurs(mask[:top].reshape(-1)):
        occupied, top = True, 0
        while not _occurs(mask[top]):
            top += 1
    if _occurs(mask[bottom:].reshape(-1)):
        occupied, bottom = True, height
        while not _occurs(mask[bottom - 1]):
            bottom -= 1
    for y in range(top, bottom):
        row = mask[y]
        if _occurs(row[:left]):
            occupied, left = True, 0
            while not row[left]:
                left += 1
        if _occurs(row[right:]):
            occupied, right = True, width
            while not row[right - 1]:
                right -= 1
        occupied = occupied or _occurs(row[left:right])
    box[0, 0], box[0, 1], box[1, 0], box[1, 1] = top, bottom, left, right
    return occupied


@compiled
def _occurs(pixels: Flags) -> bool:
    """Return whether a pixel is true: whole vectors at a time, as in most places none is."""
    occurs = False
    for place in range(len(pixels)):
        occurs |= pixels[place]
    return occurs


@compiled
def _occurs_in_four(pixels: Flags) -> bool:
    """Return whether a pixel is true, of four parts of equal length, read side by side."""
    length = len(pixels) // _AT_ONCE
    one, two = pixels[:length], pixels[length : 2 * length]
    three, four = pixels[2 * length : 3 * length], pixels[3 * length :]
    occurs = False
    for place in range(length):
        occurs |= one[place] | two[place] | three[place] | four[place]
    return occurs


@compiled
def all_occur(masks: Flags) -> bool:
    """Return whether each of (n, pixels) masks has a pixel."""
    for image in range(len(masks)):
        place = 0
        while place < masks.shape[1] and not masks[image, place]:
            place += 1
        if place == masks.shape[1]:
            return False
    return True


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
    """

    images: NDArray[Any]
    masks: NDArray[np.bool_] | None = None
    spacing: NDArray[np.float64] | None = None
    outlines: NDArray[np.bool_] | None = None
    _kept: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.images)

    @property
    def volumes(self) -> bool:
        """Whether the images are volumes."""
        return self.images.ndim == 5

    def row(self, number: int) -> "FeatureBatch":
        """Return one image as a batch of its own."""
        only = slice(number, number + 1)
        masks = None if self.masks is None else self.masks[only]
        spacing = None if self.spacing is None else self.spacing[only]
        outlines = None if self.outlines is None else self.outlines[only]
        return FeatureBatch(self.images[only], masks, spacing, outlines)

    @property
    def forms(self) -> NDArray[np.bool_] | None:
        """The regions that form and borders are measured on; None for the whole images."""
        return self.masks if self.outlines is None else self.outlines

    def cropped(self, margin: Sequence[int] | None = None) -> "FeatureBatch":
        """Return the images cut to the smallest box that holds all regions, without a copy.

        The work of whatever looks no further than the region then grows with the region.

        Args:
            margin: Pixels around the box that are kept, of each axis; None for none.
        """
        if self.masks is None or self.forms is None:
            return self
        around = tuple(margin or [0] * (self.forms.ndim - 1))
        if ("cropped", around) not in self._kept:
            box = self._box[-len(around) :]
            within = (
                slice(max(0, first - more), last + more)
                for (first, last), more in zip(box, around, strict=True)
            )
            part = (slice(None), *within)
            outlines = None if self.outlines is None else self.outlines[part]
            images, masks = self.images[part], self.masks[part]
            self._kept["cropped", around] = FeatureBatch(images, masks, self.spacing, outlines)
        cropped: FeatureBatch = self._kept["cropped", around]
        return cropped

    @property
    def _box(self) -> Box:
        """Where the regions of all images begin and end; the whole images if all are empty."""
        if "box" not in self._kept:
            forms = np.ascontiguousarray(self.forms)
            *_, height, width = forms.shape
            slices = forms.reshape(len(self), -1, height, width)
            found = bounding_box(slices)
            whole = (0, slices.shape[1]), (0, height), (0, width)
            self._kept["box"] = found if found[0][1] > 0 else whole
        box: Box = self._kept["box"]
        return box

    def check_planes(self, family: str) -> None:
        """Refuse volumes."""
        if self.volumes:
            raise DataError(
                f"`{family}` is not defined for volumes (here {self.images.shape[1]} slices)",
                where="features",
                allowed="plane images",
                remedy=f"leave `{family}` out of `features`; docs/how-to/volumes.md lists the "
                "families for volumes",
            )

    def check_whole(self, family: str) -> None:
        """Refuse regions of interest."""
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
        """
        self.check_planes(family)
        return self.images if self.images.ndim == 3 else self.luminance(family)

    def luminance(self, family: str) -> NDArray[np.float64]:
        """Return the intensities (n, height, width) that a family of grey images works on."""
        self.check_planes(family)
        if self.images.ndim == 3:  # quicker to make again than worth its memory
            return luminance(self.images, family)
        if "luminance" not in self._kept:
            self._kept["luminance"] = luminance(self.images, family)
        grey: NDArray[np.float64] = self._kept["luminance"]
        return grey

    def intensities(self, family: str) -> NDArray[np.float64]:
        """Return what a family works on that is defined for images and for volumes.

        Returns:
            (n, height, width), or (n, depth, height, width) of volumes.
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
        """
        if ("region", which) not in self._kept:
            shape = self.images.shape[: 4 if self.volumes else 3]
            inside = np.ones(shape, dtype=np.bool_) if self.masks is None else self.masks
            if not all_occur(inside.reshape(len(self), -1)):
                raise DataError(
                    "the region of interest has no pixel",
                    where="features",
                    allowed="at least one pixel",
                )
            if which == "bright":
                grey = self.intensities(family)
                rows = (len(self), -1, grey.shape[-1])  # the threshold asks for no neighbours
                inside = bright_region(grey.reshape(rows), inside.reshape(rows))
                inside = inside.reshape(grey.shape)
            self._kept["region", which] = inside
        region: NDArray[np.bool_] = self._kept["region", which]
        return region

    def inside(self, which: Region, family: str) -> NDArray[np.bool_] | None:
        """Return the pixels of `region`, or None where that is all of each image."""
        if which == "whole" and self.masks is None:
            return None
        return self.region(which, family)

    def levels(self, discretisation: Discretisation, which: Region, family: str) -> GreyLevels:
        """Return the grey levels of a region."""
        levels: GreyLevels | None = self._kept.get((discretisation, which))
        if levels is None:
            levels = self._kept[discretisation, which] = self._digitise(
                discretisation, which, family
            )
        return levels

    def _digitise(self, discretisation: Discretisation, which: Region, family: str) -> GreyLevels:
        boxed = which == "whole" and self.masks is not None
        part = self if boxed else self.cropped()
        inside = part.masks if boxed else part.inside(which, family)
        grey = part.images[..., 0] if part.volumes else part.planes(family)
        levels = discretisation.grey_levels(grey, inside, self._box if boxed else None)
        outline = None if self.outlines is None else self.cropped().outlines
        if outline is None:
            return levels
        return replace(levels, outline=outline.reshape(levels.levels.shape))
