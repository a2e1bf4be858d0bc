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
    """Return the median of at least one value; reorders them (Hoare, Comm. ACM 4(7), 1961)."""
    rank, left, right = len(values) // 2, 0, len(values) - 1
    while left < right:
        pivot = values[(left + right) // 2]
        up, down = left, right
        while up <= down:
            while values[up] < pivot:
                up += 1
            while pivot < values[down]:
                down -= 1
            if up <= down:
                values[up], values[down] = values[down], values[up]
                up += 1
                down -= 1
        left, right = up if rank > down else left, down if rank < up else right
    lower = upper = values[rank]
    if len(values) % 2 == 0:
        lower = values[0]
        for place in range(1, rank):
            lower = values[place] if values[place] > lower else lower
    middle: np.float32 = lower + (upper - lower) / np.float32(2)
    return middle


@compiled
def median_magnitude(
    values: NDArray[np.float32], floor: float, left_out: NDArray[np.bool_]
) -> np.float32:
    """Return the median of the absolute values above a floor; 0 where there are none.

    It is found by counting leading bits, then those that follow them: exact like a sort, in linear
    time and without a copy.

    Args:
        values: (n,) float32, C-contiguous, without NaN.
        floor: Absolute values up to this one are left out; none are where it is negative.
        left_out: (n,) values that are left out as well; (0,) for none.
    """
    bits, both = values.view(np.int32), np.empty(2, dtype=np.float32)
    bits_of_both = both.view(np.int32)
    both[0] = floor
    lowest = int(bits_of_both[0]) if floor >= 0 else -1
    counts = np.zeros(1 << _FIRST_BITS, dtype=np.int64)
    counted = rank = 0
    lower = int(np.int64(0))  # a literal would make a second version of what takes it
    shift = _FIRST_BITS + 2 * _BITS
    while shift > 0:
        width = _BITS if counted > 0 else _FIRST_BITS
        shift -= width
        for leading in range(1 << width):
            counts[leading] = 0
        alike = _count(bits, lowest, left_out, lower, width, shift, counts)
        if counted == 0:
            if alike == 0:
                return np.float32(0)
            counted, rank = alike, (alike - 1) // 2
        leading = 0
        while rank >= counts[leading]:
            rank -= counts[leading]
            leading += 1
        lower = lower << width | leading
    upper = lower
    if counted % 2 == 0:
        up_to, above = _next_magnitude(bits, lowest, left_out, lower)
        upper = above if up_to == counted // 2 else lower
    bits_of_both[0], bits_of_both[1] = lower, upper
    middle: np.float32 = (both[0] + both[1]) / np.float32(2)
    return middle


@compiled
def median_magnitudes(bands: NDArray[np.float32], floor: float) -> NDArray[np.float64]:
    """Return the `median_magnitude` of each band.

    Args:
        bands: (n, m) float32, C-contiguous, without NaN.
        floor: Absolute values up to this one are left out.
    """
    medians, none = np.empty(len(bands)), np.empty(0, dtype=np.bool_)
    for image in range(len(bands)):
        medians[image] = median_magnitude(bands[image], floor, none)
    return medians


@compiled
def _count(
    bits: NDArray[np.int32],
    lowest: int,
    left_out: NDArray[np.bool_],
    leading: int,
    width: int,
    shift: int,
    counts: NDArray[np.int64],
) -> int:
    """Count the bits that follow the leading ones and come before the last, and all of them."""
    counted, masked = 0, len(left_out) > 0
    least = max(lowest + 1, leading << (shift + width))
    most = ((leading + 1) << (shift + width)) - 1
    for pixel in range(len(bits)):
        magnitude = bits[pixel] & _MAGNITUDE
        if least <= magnitude <= most and not (masked and left_out[pixel]):
            counts[magnitude >> shift & ((1 << width) - 1)] += 1
            counted += 1
    return counted


@compiled
def _next_magnitude(
    bits: NDArray[np.int32], lowest: int, left_out: NDArray[np.bool_], magnitude: int
) -> tuple[int, int]:
    """Return how many magnitudes go up to this one, and the least one above it."""
    up_to, above = 0, _MAGNITUDE
    for pixel in range(len(bits)):
        other = bits[pixel] & _MAGNITUDE
        if other > lowest and (len(left_out) == 0 or not left_out[pixel]):
            if other > magnitude:
                above = min(above, other)
            else:
                up_to += 1
    return up_to, above
