"""Medians and means in square windows, compiled; a window of radius r is 2r + 1 pixels wide."""

import numpy as np
from numpy.typing import NDArray

from skiagram.compiled import compiled
from skiagram.restoration.contract import Mask, Plane

_LANES = 512  # pixels whose windows are sorted side by side


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
            for at in range(len(values)):
                _shift(tile, at // side, at % side, columns, values[at])
            size = len(values)
            for at in range(len(values), side**2):
                _sort_ends(values, size)
                size -= 1
                _shift(tile, at // side, at % side, columns, values[0])
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
def _mirrored(at: int, length: int) -> int:
    if 0 <= at < length:
        return at
    period = max(2 * (length - 1), 1)
    at = abs(at) % period
    return min(at, period - at) if length > 1 else 0


@compiled
def _shift(tile: Plane, down: int, right: int, columns: int, lanes: NDArray[np.float32]) -> None:
    for row in range(len(lanes) // columns):
        for column in range(columns):
            lanes[row * columns + column] = tile[row + down, column + right]


@compiled
def _sort_ends(values: NDArray[np.float32], size: int) -> None:
    """Bring the least of each lane's first values to the front, the greatest to the end."""
    for at in range(size // 2):
        _order(values[at], values[size - 1 - at])
    for at in range(1, (size + 1) // 2):
        _order(values[0], values[at])
    for at in range(size // 2, size - 1):
        _order(values[at], values[size - 1])


@compiled
def _order(low: NDArray[np.float32], high: NDArray[np.float32]) -> None:
    for lane in range(len(low)):
        one, other = low[lane], high[lane]
        low[lane] = one if one < other else other
        high[lane] = other if one < other else one


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
