"""Grey levels, intensities put into bins (IBSI reference manual, section 2.7), and their zones.

Intensities are binned within each image's own range, so nothing is learned from other images.
Zones of equal grey level, connected by sides, edges and corners, are found by union-find; sizes
decide which root takes in the other: Tarjan, J. ACM 22(2), 1975.
"""

from dataclasses import dataclass as record
from dataclasses import field
from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from skiagram.compute.compiled import compiled
from skiagram.errors import DataError
from skiagram.options import STRICT

NORTH_WEST, NORTH, NORTH_EAST, WEST = 1, 2, 4, 8  # neighbours before a pixel, a bit each
PLANE = 15  # all of them
SLICE = 16  # the first of the nine in the slice before


@compiled
def zone_forest(levels: NDArray[np.uint16]) -> NDArray[np.int32]:
    """Find the zones; a pixel has 8 neighbours, a voxel 26.

    Args:
        levels: (n, depth, height, width) from 1, 0 outside the region; fewer than 2³¹ pixels per
            image.

    Returns:
        (n, pixels): at the root of a zone minus its size, elsewhere the index of a pixel nearer to
        the root; 0 outside the region.
    """
    n, depth, height, width = levels.shape
    forest = np.empty((n, depth * height * width), dtype=np.int32)
    for image in range(n):
        _grow(levels[image], forest[image])
    return forest


_BLOCK = 2**13  # cells worked on at a time, which stay in a processor's cache


@compiled
def _grow(levels: NDArray[np.uint16], tree: NDArray[np.int32]) -> None:
    """Fill the forest: a root holds minus the size of its zone, other pixels hold their parent."""
    depth, height, width = levels.shape
    # Zeros around each slice, so that neighbours lie a fixed number of cells before.
    tall, wide, far = height + 2, width + 2, int(depth > 1)
    framed = np.zeros((depth + far, tall, wide), dtype=np.uint16)
    framed[far:, 1 : height + 1, 1 : width + 1] = levels
    cells = framed.reshape(-1)
    rows = max(1, _BLOCK // wide)
    equals = np.empty(rows * wide, dtype=np.uint16)
    for z in range(depth):
        for top in range(0, height, rows):
            bottom = min(top + rows, height)
            first = ((z + far) * tall + top + 1) * wide + 1
            last = first + (bottom - top) * wide - 2
            _find_equals(cells, first, last, tall * wide * int(z > 0), wide, equals)
            for y in range(top, bottom):
                for x in range(width):
                    place = (z * height + y) * width + x
                    tree[place] = 0
                    if levels[z, y, x] > 0:
                        tree[place] = -1
                        same = equals[(y - top) * wide + x]
                        if same & PLANE:
                            _join_plane(tree, place, same, width)
                        if same > PLANE:
                            _join_slice(tree, place, same, height, width)


@compiled
def _find_equals(
    cells: NDArray[np.uint16],
    first: int,
    last: int,
    slice_: int,
    wide: int,
    equals: NDArray[np.uint16],
) -> None:
    """Mark with a bit each earlier neighbour of some cells in turn that has the same level.

    Whole rows are compared at a time, in vectors; the search in the forest then visits none but
    equals, which makes it three times faster.

    Args:
        cells: Levels, with a frame of zeros around each slice.
        first: Of the cells.
        last: The cell after them.
        slice_: Cells of a slice; 0 where none lies before.
        wide: Cells of a row.
        equals: One a cell.
    """
    here, marks = cells[first:last], equals[: last - first]
    marks[:] = 0
    for column in range(3):
        _mark(here, cells[first - wide + column - 1 : last - wide + column - 1], 1 << column, marks)
    _mark(here, cells[first - 1 : last - 1], WEST, marks)
    if slice_ > 0:
        for neighbour in range(9):
            shift = (neighbour // 3 - 1) * wide + neighbour % 3 - 1 - slice_
            _mark(here, cells[first + shift : last + shift], SLICE << neighbour, marks)


@compiled
def _mark(
    row: NDArray[np.uint16], other: NDArray[np.uint16], bit: int, equals: NDArray[np.uint16]
) -> None:
    for x in range(len(row)):
        equals[x] |= np.uint16(row[x] == other[x]) * np.uint16(bit)


@compiled
def _join_plane(tree: NDArray[np.int32], place: int, equals: int, width: int) -> None:
    """Join a pixel to the zones of its equals before it, of which those side by side are one."""
    if equals & NORTH:
        _join(tree, place, place - width)
        return
    if equals & NORTH_EAST:
        _join(tree, place, place - width + 1)
    if equals & WEST:
        _join(tree, place, place - 1)
    elif equals & NORTH_WEST:
        _join(tree, place, place - width - 1)


@compiled
def _join_slice(tree: NDArray[np.int32], place: int, equals: int, height: int, width: int) -> None:
    """Join a voxel to the zones of its equals in the slice before it."""
    for neighbour in range(9):
        if equals & (SLICE << neighbour):
            shift = (neighbour // 3 - 1) * width + neighbour % 3 - 1
            _join(tree, place, place - height * width + shift)


@compiled
def _join(tree: NDArray[np.int32], place: int, other: int) -> None:
    first, second = _root(tree, place), _root(tree, other)
    if first == second:
        return
    if tree[np.uintp(first)] < tree[np.uintp(second)]:  # minus sizes: the larger takes the smaller
        first, second = second, first
    tree[np.uintp(second)] += tree[np.uintp(first)]
    tree[np.uintp(first)] = second


@compiled
def _root(tree: NDArray[np.int32], place: int) -> int:
    parent = tree[np.uintp(place)]  # unsigned, so that no index is tested for being negative
    while parent >= 0:
        place = parent
        parent = tree[np.uintp(place)]
    return place


MOST_LEVELS = 256
_MOST_KEPT = 2**24  # pixels of zones, 64 MB


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
    outline: NDArray[np.bool_] | None = None
    highest: NDArray[np.int64] | None = None
    _forest: list[NDArray[np.int32]] = field(default_factory=list, init=False, repr=False)

    @property
    def depth(self) -> int:
        """Slices of the images; 1 for plane images."""
        return int(self.levels.shape[1])

    def planes(self) -> "GreyLevels":
        """Return each slice as an image of its own, (n · depth, 1, height, width), no copy."""
        depth, shape = self.depth, (-1, 1, *self.levels.shape[2:])
        highest = self.levels.reshape(len(self.levels), -1).max(axis=1).astype(np.int64)
        return GreyLevels(
            self.levels.reshape(shape),
            self.number,
            None if self.outline is None else self.outline.reshape(shape),
            np.repeat(highest if self.highest is None else self.highest, depth),
        )

    def of(self, chosen: NDArray[np.bool_]) -> "GreyLevels":
        """Return some of the images, by a truth value each."""
        return GreyLevels(
            self.levels[chosen],
            self.number,
            None if self.outline is None else self.outline[chosen],
            None if self.highest is None else self.highest[chosen],
        )

    @property
    def zones(self) -> NDArray[np.int32]:
        """The `zone_forest` of the levels, kept for several families.

        It takes the memory of the images, so the largest are searched again for each family.
        """
        if self._forest:
            return self._forest[0]
        forest = zone_forest(self.levels)
        if forest.size <= _MOST_KEPT:
            self._forest.append(forest)
        return forest


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
    """

    bin_number: Annotated[int, Field(ge=2, le=MOST_LEVELS)] | None
    bin_width: Annotated[float, Field(gt=0)] | None
    lowest: float | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.bin_number is None) == (self.bin_width is None):
            raise ValueError(
                "give exactly one of `bin_number` and `bin_width`, and set the other to null"
            )
        if self.lowest is not None and self.bin_width is None:
            raise ValueError("`lowest` is for bins of a fixed width: set it to null")
        return self

    def grey_levels(
        self, images: NDArray[np.floating[Any]], inside: NDArray[np.bool_] | None = None
    ) -> GreyLevels:
        """Return the grey levels of a region of each image; bins span the region's own range.

        A constant region has level 1.

        Args:
            images: (n, height, width) or (n, depth, height, width) of any float depth, finite.
            inside: Of the same shape, true in the region; None for all of each image.

        Raises:
            DataError: The bin width makes more than 256 levels, or a region has no pixel.
        """
        shape = (len(images), 1, *images.shape[1:]) if images.ndim == 3 else images.shape
        region = np.ones(1, np.bool_) if inside is None else inside.reshape(-1)
        n = len(images)
        lowest, highest = _ranges(images.reshape(n, -1), region)
        if (highest < lowest).any():
            raise DataError(
                f"image {int(np.argmax(highest < lowest))} of the batch has no pixel in its region",
                where="features",
                allowed="at least one pixel",
            )
        lowest = self._from(lowest)
        per_unit, most = self._scale(lowest, highest)
        levels = _digitise(images.reshape(n, -1), region, lowest, *per_unit, most)
        number = self.bin_number or int(levels.max())
        return GreyLevels(levels.reshape(shape), number)

    def _from(self, lowest: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where bins are counted from, given the minimum of each region."""
        if self.lowest is None:
            return lowest
        if (lowest < self.lowest).any():
            raise DataError(
                f"an intensity of {lowest.min():g} is below `lowest`, {self.lowest:g}, where bins "
                "are counted from",
                where="features",
                remedy="re-segment to a range that begins there, or lower it",
            )
        return np.full(len(lowest), self.lowest)

    def _scale(
        self, lowest: NDArray[np.float64], highest: NDArray[np.float64]
    ) -> tuple[tuple[float, NDArray[np.float64]], int]:
        """Return level − 1 = ⌊factor · (x − lowest) / divisor⌋ and the highest of them."""
        spread = highest - lowest
        if self.bin_number is not None:
            return (float(self.bin_number), np.where(spread > 0, spread, 1)), self.bin_number - 1
        width = self.bin_width or 1.0
        most = float(spread.max() / width) + 1
        if most > MOST_LEVELS + 1:
            raise DataError(
                f"a bin width of {width:g} makes {most:.0f} grey levels of one image",
                where="features",
                allowed=f"at most {MOST_LEVELS}",
                remedy="choose wider bins, or a fixed `bin_number`",
            )
        return (1.0, np.full(len(spread), width)), MOST_LEVELS


@compiled
def _ranges(
    images: NDArray[np.floating[Any]], inside: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    n, pixels = images.shape
    lowest, highest = np.full(n, np.inf), np.full(n, -np.inf)
    whole = len(inside) == 1
    for image in range(n):
        for pixel in range(pixels):
            if whole or inside[image * pixels + pixel]:
                intensity = np.float64(images[image, pixel])
                lowest[image] = min(lowest[image], intensity)
                highest[image] = max(highest[image], intensity)
    return lowest, highest


@compiled
def _digitise(
    images: NDArray[np.floating[Any]],
    inside: NDArray[np.bool_],
    lowest: NDArray[np.float64],
    factor: float,
    divisor: NDArray[np.float64],
    most: int,
) -> NDArray[np.uint16]:
    n, pixels = images.shape
    levels = np.zeros((n, pixels), dtype=np.uint16)
    whole = len(inside) == 1
    for image in range(n):
        for pixel in range(pixels):
            if whole or inside[image * pixels + pixel]:
                above = np.float64(images[image, pixel]) - lowest[image]
                share = factor * above / divisor[image]
                levels[image, pixel] = 1 + min(int(share), most)
    return levels


@compiled
def row_spans(levels: NDArray[np.uint16]) -> NDArray[np.int64]:
    """Return where the region begins and ends in each row, so that work grows with the region.

    Args:
        levels: (depth, height, width), 0 outside the region.

    Returns:
        (depth, height, 2): the first column of the region and the one after its last; 0 and 0 where
        there is none.
    """
    depth, height, width = levels.shape
    spans = np.zeros((depth, height, 2), dtype=np.int64)
    for z in range(depth):
        for y in range(height):
            first, last = 0, width
            while first < width and levels[z, y, first] == 0:
                first += 1
            if first < width:
                while levels[z, y, last - 1] == 0:
                    last -= 1
                spans[z, y, 0], spans[z, y, 1] = first, last
    return spans


def entropy(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Shannon's entropy in bits of each row.

    Args:
        shares: (n, k), each row sums to 1.
    """
    logarithm = np.log2(shares, out=np.zeros_like(shares), where=shares > 0)
    return np.abs(np.sum(shares * logarithm, axis=1))
