"""Medians in square windows and of magnitudes, compiled; radius r is a width of 2r + 1 pixels."""

import numpy as np
from numpy.typing import NDArray

from skiagram.compute.compiled import compiled
from skiagram.restoration.contract import Mask, Plane

_LANES = 512  # pixels whose windows are sorted side by side
_MAGNITUDE = 0x7FFFFFFF  # bits of a float32 without its sign; they sort as the numbers do
_FIRST_BITS, _BITS = 11, 10  # the highest 11 of 31 bits are counted, then 10 and 10


@compiled
def local_median(plane: Plane, radius: int) -> Plane:
    """Return the median around each pixel; beyond its border the image is mirrored.

    By forgetful selection: of slightly more than half a window's values the least and the greatest
    cannot be the median, so they make room for another value.

    Args:
        plane: (height, width) float32, finite.
        radius: Window radius in pixels, ≥ 1.

    Returns:
        (height, width) float32, equal to `scipy.ndimage.median_filter(mode="mirror")`.
    """
    height, width = plane.shape
    medians = np.empty((height, width), dtype=np.float32)
    side = 2 * radius + 1
    columns = min(width, _LANES)
    rows = min(height, max(1, _LANES // columns))
    tile = np.empty((rows + 2 * radius, columns + 2 * radius), dtype=np.float32)
    values = np.empty((side**2 // 2 + 2, rows * columns), dtype=np.float32)
    for top in range(0, height, rows):
        for left in range(0, width, columns):
            _mirror(plane, top - radius, left - radius, tile)
            for number in range(len(values)):
                _shift(tile, number // side, number % side, columns, values[number])
            size = len(values)
            for number in range(len(values), side**2):
                _sort_ends(values, size)
                size -= 1
                _shift(tile, number // side, number % side, columns, values[0])
            _sort_ends(values, size)
            for row in range(min(rows, height - top)):
                for column in range(min(columns, width - left)):
                    medians[top + row, left + column] = values[1, row * columns + column]
    return medians


@compiled
def _mirror(plane: Plane, top: int, left: int, tile: Plane) -> None:
    height, width = plane.shape
    for row in range(tile.shape[0]):
        y = _mirrored(top + row, height)
        for column in range(tile.shape[1]):
            tile[row, column] = plane[y, _mirrored(left + column, width)]


@compiled
def _mirrored(place: int, length: int) -> int:
    if 0 <= place < length:
        return place
    period = max(2 * (length - 1), 1)
    place = abs(place) % period
    return min(place, period - place) if length > 1 else 0


@compiled
def _shift(tile: Plane, down: int, right: int, columns: int, lanes: NDArray[np.float32]) -> None:
    for row in range(len(lanes) // columns):
        for column in range(columns):
            lanes[row * columns + column] = tile[row + down, column + right]


@compiled
def _sort_ends(values: NDArray[np.float32], size: int) -> None:
    """Bring the least of each lane's first values to the front, the greatest to the end."""
    for number in range(size // 2):
        _order(values[number], values[size - 1 - number])
    for number in range(1, (size + 1) // 2):
        _order(values[0], values[number])
    for number in range(size // 2, size - 1):
        _order(values[number], values[size - 1])


@compiled
def _order(low: NDArray[np.float32], high: NDArray[np.float32]) -> None:
    for lane in range(len(low)):
        first, second = low[lane], high[lane]
        low[lane] = first if first < second else second
        high[lane] = second if first < second else first


@compiled
def gather(
    plane: Plane,
    left_out: Mask,
    row: int,
    column: int,
    inner: int,
    outer: int,
    values: NDArray[np.float32],
) -> int:
    """Collect the pixels around one pixel.

    Args:
        plane: (height, width) float32.
        left_out: (height, width); pixels that are not collected.
        row: The pixel's row.
        column: The pixel's column.
        inner: Least chessboard distance from it, pixels.
        outer: Greatest distance.
        values: Takes the values; long enough.

    Returns:
        How many there are.
    """
    height, width = plane.shape
    count = 0
    for y in range(max(row - outer, 0), min(row + outer + 1, height)):
        x, stop = max(column - outer, 0), min(column + outer + 1, width)
        hollow = abs(y - row) < inner
        while x < stop:
            if hollow and abs(x - column) < inner:
                x = column + inner
                continue
            if not left_out[y, x]:
                values[count] = plane[y, x]
                count += 1
            x += 1
    return count


@compiled
def median(values: NDArray[np.float32]) -> np.float32:
    """Return the median of at least one value; sorts them."""
    values.sort()
    lower, upper = values[(len(values) - 1) // 2], values[len(values) // 2]
    middle: np.float32 = lower + (upper - lower) / np.float32(2)
    return middle


@compiled
def median_magnitude(
    values: NDArray[np.float32], floor: float, left_out: NDArray[np.bool_] | None = None
) -> np.float32:
    """Return the median of the absolute values above a floor; 0 where there are none.

    It is found by counting leading bits, then those that follow them: exact like a sort, in linear
    time and without a copy.

    Args:
        values: (n,) float32, C-contiguous, without NaN.
        floor: Absolute values up to this one are left out; none are where it is negative.
        left_out: (n,) values that are left out as well; None for none.
    """
    bits = values.view(np.int32)
    lowest = np.full(1, floor, dtype=np.float32).view(np.int32)[0] if floor >= 0 else -1
    counts = np.zeros(1 << _FIRST_BITS, dtype=np.int64)
    counted = _count(bits, lowest, left_out, 0, 31, counts)
    if counted == 0:
        return np.float32(0)
    rank, lower, shift = (counted - 1) // 2, 0, 31 - _FIRST_BITS
    while True:
        leading = 0
        while rank >= counts[leading]:
            rank -= counts[leading]
            leading += 1
        lower = lower << _BITS | leading
        if shift == 0:
            break
        counts = np.zeros(1 << _BITS, dtype=np.int64)
        _count(bits, lowest, left_out, lower, shift, counts)
        shift -= _BITS
    upper = lower
    if counted % 2 == 0:
        up_to, above = _next_magnitude(bits, lowest, left_out, lower)
        upper = above if up_to == counted // 2 else lower
    both = np.array([lower, upper], dtype=np.int32).view(np.float32)
    middle: np.float32 = (both[0] + both[1]) / np.float32(2)
    return middle


@compiled
def median_magnitudes(bands: NDArray[np.float32], floor: float) -> NDArray[np.float64]:
    """Return the `median_magnitude` of each band.

    Args:
        bands: (n, m) float32, C-contiguous, without NaN.
        floor: Absolute values up to this one are left out.
    """
    medians = np.empty(len(bands))
    for image in range(len(bands)):
        medians[image] = median_magnitude(bands[image], floor)
    return medians


@compiled
def _count(
    bits: NDArray[np.int32],
    lowest: int,
    left_out: NDArray[np.bool_] | None,
    leading: int,
    shift: int,
    counts: NDArray[np.int64],
) -> int:
    """Count the bits that follow the leading ones, and all of them."""
    following = shift - (_FIRST_BITS if shift == 31 else _BITS)
    counted = 0
    for pixel in range(len(bits)):
        magnitude = bits[pixel] & _MAGNITUDE
        alike = magnitude > lowest and magnitude >> shift == leading
        if alike and (left_out is None or not left_out[pixel]):
            counts[magnitude >> following & (len(counts) - 1)] += 1
            counted += 1
    return counted


@compiled
def _next_magnitude(
    bits: NDArray[np.int32], lowest: int, left_out: NDArray[np.bool_] | None, magnitude: int
) -> tuple[int, int]:
    """Return how many magnitudes go up to this one, and the least one above it."""
    up_to, above = 0, _MAGNITUDE
    for pixel in range(len(bits)):
        other = bits[pixel] & _MAGNITUDE
        if other > lowest and (left_out is None or not left_out[pixel]):
            if other > magnitude:
                above = min(above, other)
            else:
                up_to += 1
    return up_to, above
