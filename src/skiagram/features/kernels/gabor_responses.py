"""Compiled magnitudes of the responses to a Gabor filter and to its mirror image."""

import numpy as np
from numpy.typing import NDArray

from skiagram.compiled import compiled


@compiled
def magnitude_moments(
    images: NDArray[np.float64],
    centre: NDArray[np.float64],
    across: NDArray[np.float64],
    down: NDArray[np.float64],
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Return the mean magnitude, and the mean squared one, of two filters.

    The filter is the product of one along the rows and one along the columns. Rows are filtered
    as they are needed and kept as long as they are, so that memory does not grow with the height.

    Args:
        images: (n, height, width).
        centre: (n,) taken away from the intensities.
        across: (2, radius + 1) cosine (even) and sine (odd) weights along a row, from the middle.
        down: (2, radius + 1) the same along a column.
        rows: (height + 2 radius,) which row of the image stands where, mirror images included.
        columns: (width + 2 radius,) the same of the columns.

    Returns:
        (n, 2, 2): for the filter whose wave runs right and down, then right and up; the mean of
        the magnitude, then of its square.
    """
    n, height, width = images.shape
    radius = across.shape[1] - 1
    kept = min(height, 2 * radius + 1)
    filtered = np.empty((kept, 2, width))
    line = np.empty(width + 2 * radius)
    response = np.empty((4, width))
    found = np.zeros((n, 2, 2))
    for image in range(n):
        ready = 0
        for y in range(height):
            while ready < min(height, y + radius + 1):
                for x in range(len(columns)):
                    line[x] = images[image, ready, columns[x]] - centre[image]
                _filter_row(line, across, filtered[ready % kept])
                ready += 1
            _filter_column(filtered, down, rows[y : y + 2 * radius + 1], response)
            for x in range(width):
                even, odd = response[0, x], response[1, x]
                mixed, crossed = response[2, x], response[3, x]
                right_down = (even - odd) ** 2 + (mixed + crossed) ** 2
                right_up = (even + odd) ** 2 + (crossed - mixed) ** 2
                found[image, 0, 0] += np.sqrt(right_down)
                found[image, 0, 1] += right_down
                found[image, 1, 0] += np.sqrt(right_up)
                found[image, 1, 1] += right_up
    return found / (height * width)


@compiled
def _filter_row(
    line: NDArray[np.float64], weights: NDArray[np.float64], filtered: NDArray[np.float64]
) -> None:
    """Write the cosine's and the sine's response along a row."""
    radius, width = weights.shape[1] - 1, filtered.shape[1]
    for x in range(width):
        filtered[0, x] = weights[0, 0] * line[radius + x]
        filtered[1, x] = 0.0
    for step in range(1, radius + 1):
        cosine, sine = weights[0, step], weights[1, step]
        before, after = line[radius - step :], line[radius + step :]
        for x in range(width):
            filtered[0, x] += cosine * (after[x] + before[x])
            filtered[1, x] += sine * (after[x] - before[x])


@compiled
def _filter_column(
    filtered: NDArray[np.float64],
    weights: NDArray[np.float64],
    rows: NDArray[np.int64],
    response: NDArray[np.float64],
) -> None:
    """Write cosine · cosine, sine · sine, sine of cosine and cosine of sine for one row."""
    radius, (kept, _, width) = weights.shape[1] - 1, filtered.shape
    middle = filtered[rows[radius] % kept]
    for x in range(width):
        response[0, x] = weights[0, 0] * middle[0, x]
        response[1, x] = 0.0
        response[2, x] = 0.0
        response[3, x] = weights[0, 0] * middle[1, x]
    for step in range(1, radius + 1):
        cosine, sine = weights[0, step], weights[1, step]
        above = filtered[rows[radius - step] % kept]
        below = filtered[rows[radius + step] % kept]
        for x in range(width):
            response[0, x] += cosine * (below[0, x] + above[0, x])
            response[1, x] += sine * (below[1, x] - above[1, x])
            response[2, x] += sine * (below[0, x] - above[0, x])
            response[3, x] += cosine * (below[1, x] + above[1, x])
