"""Grey levels, intensities put into bins (IBSI reference manual, section 2.7).

Intensities are binned within each image's own range, so nothing is learned from other images.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass as record
from dataclasses import field, replace
from functools import cached_property
from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from skiagram.arrays import Flags, Floats, Whole
from skiagram.compiled.loops import compiled
from skiagram.errors import refusal
from skiagram.features.neighbours import equal_neighbours, zone_forest
from skiagram.strict import STRICT, AboveZero

Images = NDArray[np.floating[Any]]
Row = NDArray[np.floating[Any]]

MAX_LEVELS = 2048  # 27 of them add up to less than 2¹⁶, where `ngtdm` counts pixels
_MAX_CACHED = 2**24  # pixels whose zones are kept, 64 MB


@record(frozen=True)
class GreyLevels:
    """Grey levels of equally sized images.

    Attributes:
        levels: (n, depth, height, width) uint16, from 1 as the IBSI counts; 0 outside the region.
            The depth of a plane image is 1.
        number: Levels of the discretisation, N_g: `bin_number`, else the highest level of all.
        outline: Of the shape of the levels, the region before re-segmentation, which borders are
            measured from; None where that is the pixels of a level.
        highest: (n,) highest level of each image, or of the volume that a slice is of; None to
            look for it.
    """

    levels: NDArray[np.uint16]
    number: int
    outline: Flags | None = None
    highest: Whole | None = None
    _cache: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    @property
    def depth(self) -> int:
        """Slices of the images; 1 for plane images."""
        return int(self.levels.shape[1])

    @cached_property
    def planes(self) -> "GreyLevels":
        """Each slice as an image of its own, (n · depth, 1, height, width), no copy."""
        shape = (-1, 1, *self.levels.shape[2:])
        outline = None if self.outline is None else self.outline.reshape(shape)
        highest = np.repeat(self.top, self.depth)
        return replace(self, levels=self.levels.reshape(shape), outline=outline, highest=highest)

    def by_thin_axis(self) -> Iterator[tuple[Flags, "GreyLevels"]]:
        """Yield volumes whose region is one slice thick as planes, by its axis, then all others.

        So a sagittal slice is described as an axial one is, whatever it is described beside.

        Yields:
            (n,) which of the images, and their grey levels.
        """
        others = np.ones(len(self.levels), np.bool_)
        for axis in (1, 2, 3) if self.depth > 1 else ():
            across = tuple({1, 2, 3} - {axis})
            filled = np.asarray(self.levels.any(axis=across))
            chosen = others & (filled.sum(axis=1) == 1)
            if chosen.any():
                others &= ~chosen
                place = filled[chosen].argmax(axis=1)
                yield chosen, self.of(chosen)._slices(axis, place)
        if others.all():
            yield others, self
        elif others.any():
            yield others, self.of(others)

    def _slices(self, axis: int, place: Whole) -> "GreyLevels":
        """Take one slice of each volume across an axis, at a place of its own."""
        rows = np.arange(len(place))

        def cut(array: NDArray[Any]) -> NDArray[Any]:
            return np.ascontiguousarray(np.moveaxis(array, axis, 1)[rows, place])[:, None]

        outline = None if self.outline is None else cut(self.outline)
        return replace(self, levels=cut(self.levels), outline=outline, highest=self.top)

    def of(self, chosen: Flags) -> "GreyLevels":
        """Take some of the images, by a truth value each; the highest levels go along."""
        outline = None if self.outline is None else self.outline[chosen]
        return replace(self, levels=self.levels[chosen], outline=outline, highest=self.top[chosen])

    @cached_property
    def top(self) -> Whole:
        """Find the highest level of each image, (n,), also where `highest` leaves it open."""
        if self.highest is not None:
            return self.highest
        return self.levels.max(axis=(1, 2, 3)).astype(np.int64)

    @property
    def equals(self) -> NDArray[np.uint16]:
        """The `equal_neighbours` of the levels, kept for several families."""
        return self._keep("equals", lambda: equal_neighbours(self.levels))

    @property
    def zones(self) -> NDArray[np.int32]:
        """The `zone_forest` of the levels, kept for several families."""
        return self._keep("zones", lambda: zone_forest(self.levels, self.equals))

    def _keep(self, name: str, find: Callable[[], NDArray[Any]]) -> NDArray[Any]:
        """Compute an array once and keep it; of the largest images it is computed each time.

        Args:
            name: Under which it is kept.
            find: Computes it.
        """
        if name in self._cache:
            return self._cache[name]
        values = find()
        if self.levels.size <= _MAX_CACHED:
            self._cache[name] = values
        return values


@dataclass(**STRICT)
class Discretisation:
    """Either a fixed number of bins or a fixed width of the bins.

    Attributes:
        bin_number: Bins over the image's range (IBSI K15C); makes features of the levels
            independent of the unit and the offset of the intensities. None to use `bin_width`.
        bin_width: Width of a bin, in intensity units, counted from the image's minimum
            (IBSI Q3RU). None to use `bin_number`.
        lowest: Where bins of a width are counted from instead, in intensity units: the lower bound
            of a re-segmentation, so that a level means the same in every image.
        multiples: Whether bins of a width begin at a multiple of it, as PyRadiomics' do, and not at
            the region's minimum.
    """

    bin_number: Annotated[int, Field(ge=2, le=MAX_LEVELS)] | None
    bin_width: AboveZero | None
    lowest: float | None = None
    multiples: bool = False

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        # One rule of binning, and options that fit it.
        if (self.bin_number is None) == (self.bin_width is None):
            raise ValueError(
                "give exactly one of `bin_number` and `bin_width`, and set the other to null"
            )
        if self.lowest is not None and self.bin_width is None:
            raise ValueError("`lowest` is for bins of a fixed width: set it to null")
        if self.multiples and (self.bin_width is None or self.lowest is not None):
            raise ValueError("`multiples` is for bins of a fixed width without `lowest`")
        return self

    def grey_levels(
        self,
        images: NDArray[np.floating[Any]],
        inside: Flags | None = None,
        box: Sequence[tuple[int, int]] | None = None,
    ) -> GreyLevels:
        """Compute the grey levels of a region of each image; bins span the region's own range.

        A constant region has level 1.

        Args:
            images: (n, height, width) or (n, depth, height, width) of any float depth, finite.
            inside: Of the same shape, true in the region; None for all of each image.
            box: First and last + 1 of slices, rows and columns: where all regions lie, so that
                nothing else is read; None for the whole images.

        Raises:
            DataError: The bin width makes more than 2,048 levels, or a region has no pixel.
        """
        # Planes are volumes of one slice.
        n, *sides = images.shape
        depth, height, width = (1, *sides) if len(sides) == 2 else sides
        (z, z_end), (y, y_end), (x, x_end) = box or ((0, depth), (0, height), (0, width))
        if images.dtype not in (np.float32, np.float64):
            images = images.astype(np.float64)
        region = np.ones((1, 1, 1, width), np.bool_) if inside is None else inside
        # Levels, ranges and the highest level of each image come back from one compiled pass.
        levels = np.empty((n, z_end - z, y_end - y, x_end - x), dtype=np.uint16)
        ranges, highest = np.empty((2, n)), np.empty(n, dtype=np.int64)
        empty = _digitise(
            np.ascontiguousarray(images).reshape(n, depth, height, width),
            np.ascontiguousarray(region).reshape(len(region), -1, region.shape[-2], width),
            (z, y, x),
            (self.bin_number or 0, float(self.bin_width or 1), float(self.lowest or 0)),
            self.lowest is not None,
            self.multiples,
            levels,
            ranges,
            highest,
        )
        # An empty region has no range to bin.
        if empty >= 0:
            raise refusal("features.empty_region_of_image", empty=empty)
        if self.bin_width is not None:
            self._check(ranges)
        return GreyLevels(levels, self.bin_number or int(highest.max()), highest=highest)

    def _check(self, ranges: Floats) -> None:
        """Refuse intensities below the first bin, and too many bins.

        Args:
            ranges: (2, n) lowest and highest intensity of each region.
        """
        # Bins are counted from the lowest intensity, or from a stated one.
        lowest, highest = ranges
        if self.lowest is not None:
            if (lowest < self.lowest).any():
                raise refusal(
                    "features.below_lowest",
                    least=lowest.min(),
                    lowest=self.lowest,
                )
            lowest = np.full(len(lowest), self.lowest)
        # How many bins the widest range takes.
        width = self.bin_width or 1.0
        lowest = lowest - lowest % width if self.multiples else lowest
        most = np.floor((highest - lowest).max() / width) + 1
        if most > MAX_LEVELS:
            raise refusal(
                "features.too_many_levels",
                width=width,
                most=most,
                allowed=MAX_LEVELS,
            )


@compiled
def _digitise(
    images: Images,
    inside: Flags,
    corner: tuple[int, int, int],
    bins: tuple[int, float, float],
    from_lowest: bool,
    multiples: bool,
    levels: NDArray[np.uint16],
    ranges: Floats,
    highest: Whole,
) -> int:
    """Set the levels of a box in each image; return the first with an empty region, −1 for none.

    level − 1 = ⌊factor · (intensity − lowest) / divisor⌋, for bins of a number ⌊number · (intensity
    − lowest) / (highest − lowest)⌋, the highest intensity being in the last bin.

    Args:
        images: (n, depth, height, width); `inside` likewise, or (1, 1, 1, width).
        bins: How many, 0 for those of a width; their width; where they are counted from.
        from_lowest: Whether bins are counted from there, and not from the region's minimum.
        multiples: Whether they are counted from the multiple of their width at or below that.
        levels: (n, …) of the box, is set.
        ranges: (2, n), is set to the lowest and the highest intensity of each region.
        highest: (n,), is set to the highest level of each image.
    """
    # Where the box begins, and how levels are made.
    n, depth, height, width = levels.shape
    z_first, y_first, x_first = corner
    x_end = x_first + width
    number, bin_width, lowest_of_all = bins
    most = np.int32(number - 1 if number > 0 else MAX_LEVELS)
    masked = int(inside.shape == images.shape)
    low, high = np.empty(width, images.dtype), np.empty(width, images.dtype)
    first_empty = -1
    # The range of the region, row by row.
    for image in range(n):
        for x in range(width):
            low[x], high[x] = np.inf, -np.inf
        for z in range(depth):
            for y in range(height):
                row = images[image, z_first + z, y_first + y, x_first:x_end]
                region = inside[image * masked, (z_first + z) * masked, (y_first + y) * masked]
                _widen(row, region[x_first:x_end], low, high)
        lowest, top = np.inf, -np.inf
        for x in range(width):
            lowest, top = min(lowest, np.float64(low[x])), max(top, np.float64(high[x]))
        ranges[0, image], ranges[1, image] = lowest, top
        if top < lowest and first_empty < 0:
            first_empty = image
        # The first bin begins at the region's minimum, at a stated value, or at a multiple.
        lowest = lowest_of_all if from_lowest else lowest
        lowest -= lowest % bin_width if multiples else 0.0
        divisor = bin_width if number == 0 else top - lowest if top > lowest else 1.0
        scale = (lowest, float(max(number, 1)), divisor)
        # Then the levels, in a second pass over the same rows.
        for z in range(depth):
            for y in range(height):
                row = images[image, z_first + z, y_first + y, x_first:x_end]
                region = inside[image * masked, (z_first + z) * masked, (y_first + y) * masked]
                _digitise_row(row, region[x_first:x_end], scale, most, levels[image, z, y])
        highest[image] = 1 + min(np.int32(scale[1] * (top - lowest) / divisor), most)
    return first_empty


@compiled
def _widen(row: Row, inside: Flags, low: Row, high: Row) -> None:
    """Keep the lowest and the highest intensity of each column: in vectors, without a branch."""
    for x in range(len(row)):
        below, above = (row[x] < low[x]) & inside[x], (row[x] > high[x]) & inside[x]
        low[x] = row[x] if below else low[x]
        high[x] = row[x] if above else high[x]


@compiled
def _digitise_row(
    row: Row,
    inside: Flags,
    scale: tuple[float, float, float],
    most: np.int32,
    levels: NDArray[np.uint16],
) -> None:
    """Set the levels of a row, in vectors: what lies outside the region is computed, too.

    Args:
        row: (width,) intensities.
        inside: (width,) whether they are in the region.
        scale: Where bins begin, what a share is multiplied by, and what it is divided by.
        most: Highest level less 1.
        levels: (width,) is set.
    """
    lowest, factor, divisor = scale
    for x in range(len(row)):
        share = factor * (np.float64(row[x]) - lowest) / divisor
        level = np.int32(1) + min(np.int32(share if inside[x] else 0.0), most)
        levels[x] = np.uint16(level) * np.uint16(inside[x])


@compiled
def row_span(row: NDArray[np.uint16]) -> tuple[int, int]:
    """Find first and last + 1 column of the region in a row: work grows with the region."""
    first, last = 0, len(row)
    while first < last and row[first] == 0:
        first += 1
    while first < last and row[last - 1] == 0:
        last -= 1
    return first, last


def count_levels(levels: NDArray[np.uint16], number: int) -> Whole:
    """Count how many pixels of each image have each level.

    Args:
        levels: (n, …) from 1; 0 outside the region.
        number: Levels counted.

    Returns:
        (n, number).
    """
    return np.stack([np.bincount(image.ravel(), minlength=number + 1)[1:] for image in levels])


def entropy(shares: Floats) -> Floats:
    """Compute Shannon's entropy in bits.

    Args:
        shares: (n, k) ≥ 0, of sum 1 in each row; 0 adds nothing.

    Returns:
        (n,) ≥ 0, never −0.
    """
    logarithm = np.log2(shares, out=np.zeros_like(shares), where=shares > 0)
    return np.abs(np.einsum("ij,ij->i", shares, logarithm))
