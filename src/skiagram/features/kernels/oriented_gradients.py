"""Compiled histograms of the gradient's orientation in a grid of cells."""

import numpy as np
from numpy.typing import NDArray

from skiagram.compiled import compiled


@compiled
def cell_histograms(
    images: NDArray[np.float64], grid: int, boundaries: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the mean gradient magnitude of each orientation in each cell.

    A cell takes in every row and column that it touches, so that even a 1×1 image has all cells.
    The gradient is x[i + 1] − x[i − 1], and 0 along an axis on whose border a pixel lies.

    Args:
        images: (n, height, width).
        grid: Rows of cells, and columns of cells.
        boundaries: (orientations - 1, 2) cosine and sine of the angles between the orientations,
            growing from 0 to π.

    Returns:
        (n, grid, grid, orientations); the orientations are half-open, the first starts at 0.
    """
    n, height, width = images.shape
    found = np.zeros((n, grid, grid, len(boundaries) + 1))
    magnitude = np.empty(width)
    orientation = np.empty(width, dtype=np.uint8)
    right, down = np.zeros(width), np.zeros(width)
    for image in range(n):
        pixels, cells = images[image], found[image]
        for y in range(height):
            for x in range(1, width - 1):
                right[x] = pixels[y, x + 1] - pixels[y, x - 1]
            down[:] = 0
            if 0 < y < height - 1:
                down[:] = pixels[y + 1] - pixels[y - 1]
            _polar(right, down, boundaries, magnitude, orientation)
            for row in range(y * grid // height, -(-(y + 1) * grid // height)):
                for column in range(grid):
                    cell = cells[row, column]
                    for x in range(column * width // grid, -(-(column + 1) * width // grid)):
                        cell[orientation[x]] += magnitude[x]
        for row in range(grid):
            rows = -(-(row + 1) * height // grid) - row * height // grid
            for column in range(grid):
                columns = -(-(column + 1) * width // grid) - column * width // grid
                cells[row, column] /= rows * columns
    return found


@compiled
def _polar(
    right: NDArray[np.float64],
    down: NDArray[np.float64],
    boundaries: NDArray[np.float64],
    magnitude: NDArray[np.float64],
    orientation: NDArray[np.uint8],
) -> None:
    """Write the length of each gradient, and among which boundaries its direction lies."""
    for x in range(len(right)):
        magnitude[x] = np.sqrt(right[x] * right[x] + down[x] * down[x])
        orientation[x] = 0
    for at in range(len(boundaries)):
        cosine, sine = boundaries[at]
        for x in range(len(right)):
            sign = 1.0 if down[x] > 0 or (down[x] == 0 and right[x] > 0) else -1.0
            orientation[x] += np.uint8(sign * (down[x] * cosine - right[x] * sine) >= 0)
