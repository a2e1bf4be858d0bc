"""Grey levels, intensities put into bins (IBSI reference manual, section 2.7).

Intensities are binned within each image's own range, so nothing is learned from other images.
"""

from collections.abc import Callable
from dataclasses import dataclass as record
from dataclasses import field
from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from skiagram.compute.compiled import compiled
from skiagram.errors import DataError
from skiagram.features.neighbours import equal_neighbours, zone_forest
from skiagram.options import STRICT

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Images = NDArray[np.floating[Any]]
Row = NDArray[np.floating[Any]]

MOST_LEVELS = 256
_MOST_KEPT = 2**24  # pixels whose zones are kept, 64 MB


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
    _kept: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    @property
    def depth(self) -> int:
        """Slices of the images; 1 for plane images."""
        return int(self.levels.shape[1])

    def planes(self) -> "GreyLevels":
        """Return each slice as an image of its own, (n · depth, 1, height, width), no copy."""
        if "planes" not in self._kept:
            depth, shape = self.depth, (-1, 1, *self.levels.shape[2:])
            self._kept["planes"] = GreyLevels(
                self.levels.reshape(shape),
                self.number,
                None if self.outline is None else self.outline.reshape(shape),
                np.repeat(self.top, depth),
            )
        planes: GreyLevels = self._kept["planes"]
        return planes

    def of(self, chosen: NDArray[np.bool_]) -> "GreyLevels":
        """Return some of the images, by a truth value each."""
        return GreyLevels(
            self.levels[chosen],
            self.number,
            None if self.outline is None else self.outline[chosen],
            None if self.highest is None else self.highest[chosen],
        )

    @property
    def top(self) -> NDArray[np.int64]:
        """Highest level of each image, (n,), also where `highest` leaves it open."""
        if self.highest is not None:
            return self.highest
        top: NDArray[np.int64] = self._keep("top", lambda: _highest(self.levels))
        return top

    @property
    def equals(self) -> NDArray[np.uint16]:
        """The `equal_neighbours` of the levels, kept for several families."""
        equals: NDArray[np.uint16] = self._keep("equals", lambda: equal_neighbours(self.levels))
        return equals

    @property
    def zones(self) -> NDArray[np.int32]:
        """The `zone_forest` of the levels, kept for several families."""
        zones: NDArray[np.int32] = self._keep(
            "zones", lambda: zone_forest(self.levels, self.equals)
        )
        return zones

    def _keep(self, name: str, find: Callable[[], NDArray[Any]]) -> NDArray[Any]:
        """Return what is kept, or find it: that of the largest images again for each family."""
        if name in self._kept:
            kept: NDArray[Any] = self._kept[name]
            return kept
        found = find()
        if self.levels.size <= _MOST_KEPT:
            self._kept[name] = found
        return found


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
        rows = (len(images), -1, images.shape[-1])
        region = np.ones((1, 1, shape[-1]), np.bool_) if inside is None else inside.reshape(rows)
        by_row = images.reshape(rows)
        lowest, highest = _ranges(by_row, region)
        if (highest < lowest).any():
            raise DataError(
                f"image {int(np.argmax(highest < lowest))} of the batch has no pixel in its region",
                where="features",
                allowed="at least one pixel",
            )
        lowest = self._from(lowest)
        per_unit, most = self._scale(lowest, highest)
        levels = _digitise(by_row, region, lowest, *per_unit, most)
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
def _ranges(images: Images, inside: Flags) -> tuple[Floats, Floats]:
    """Return the lowest and the highest intensity of the region of each image.

    Args:
        images: (n, rows, width).
        inside: Of the same shape, or (1, 1, width).
    """
    n, rows, width = images.shape
    low, high = np.empty(width), np.empty(width)  # float64: integers know no infinity
    lowest, highest = np.empty(n), np.empty(n)
    masked = int(len(inside) == n and inside.shape[1] == rows)
    for image in range(n):
        low[:], high[:] = np.inf, -np.inf
        for row in range(rows):
            _widen(images[image, row], inside[image * masked, row * masked], low, high)
        lowest[image], highest[image] = low.min(), high.max()
    return lowest, highest


@compiled
def _widen(row: Row, inside: Flags, low: Floats, high: Floats) -> None:
    """Keep the lowest and the highest intensity of each column: in vectors, without a branch."""
    for x in range(len(row)):
        intensity = np.float64(row[x])
        below, above = (intensity < low[x]) & inside[x], (intensity > high[x]) & inside[x]
        low[x] = intensity if below else low[x]
        high[x] = intensity if above else high[x]


@compiled
def _digitise(
    images: Images, inside: Flags, lowest: Floats, factor: float, divisor: Floats, most: int
) -> NDArray[np.uint16]:
    """Return the levels, (n, rows, width), of what `_ranges` takes."""
    n, rows, width = images.shape
    levels = np.empty((n, rows, width), dtype=np.uint16)
    masked = int(len(inside) == n and inside.shape[1] == rows)
    for image in range(n):
        scale = (lowest[image], factor, divisor[image])
        for row in range(rows):
            region = inside[image * masked, row * masked]
            _digitise_row(images[image, row], region, scale, np.int32(most), levels[image, row])
    return levels


@compiled
def _digitise_row(
    row: Row,
    inside: Flags,
    scale: tuple[float, float, float],
    most: np.int32,
    levels: NDArray[np.uint16],
) -> None:
    lowest, factor, divisor = scale
    for x in range(len(row)):
        share = factor * (np.float64(row[x]) - lowest) / divisor
        level = np.int32(1) + min(np.int32(share if inside[x] else 0.0), most)
        levels[x] = np.uint16(level) * np.uint16(inside[x])


@compiled
def _highest(levels: NDArray[np.uint16]) -> NDArray[np.int64]:
    """Return the highest level of each image, (n,)."""
    highest = np.empty(len(levels), dtype=np.int64)
    for image in range(len(levels)):
        flat, top = levels[image].reshape(-1), np.uint16(0)
        for place in range(len(flat)):
            top = max(top, flat[place])
        highest[image] = top
    return highest


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
