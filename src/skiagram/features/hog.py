"""Feature family `hog`: histograms of oriented gradients on a fixed grid of cells."""

from typing import Annotated, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from skiagram.compute.compiled import compiled
from skiagram.features.family import WholeImageFamily
from skiagram.features.feature import Floats
from skiagram.strict import (
    STRICT,
)


@compiled
def cell_histograms(images: Floats, grid: int, boundaries: Floats) -> Floats:
    """Return the mean gradient magnitude of each orientation in each cell.

    A cell takes in every row and column that it touches, so that even a 1×1 image has all cells.
    The gradient is x[i + 1] − x[i − 1], and 0 along an axis on whose border a pixel lies.

    Args:
        boundaries: (orientations - 1, 2) cosine and sine of the angles between the orientations,
            growing from 0 to π.

    Returns:
        (n, grid, grid, orientations); the orientations are half-open, the first starts at 0.
    """
    n, height, width = images.shape
    histograms = np.zeros((n, grid, grid, len(boundaries) + 1))
    magnitude = np.empty(width)
    orientation = np.empty(width, dtype=np.uint8)
    right, down = np.zeros(width), np.zeros(width)
    for image in range(n):
        pixels, cells = images[image], histograms[image]
        for y in range(height):
            for x in range(1, width - 1):
                right[x] = pixels[y, x + 1] - pixels[y, x - 1]
            inner = 0 < y < height - 1
            for x in range(width):
                down[x] = pixels[y + 1, x] - pixels[y - 1, x] if inner else 0.0
            _polar(right, down, boundaries, magnitude, orientation)
            for row in range(y * grid // height, -(-(y + 1) * grid // height)):
                for column in range(grid):
                    cell = cells[row, column]
                    for x in range(column * width // grid, -(-(column + 1) * width // grid)):
                        cell[orientation[x]] += magnitude[x]
        _divide_by_pixels(cells, height, width)
    return histograms


@compiled
def _divide_by_pixels(cells: Floats, height: int, width: int) -> None:
    grid = len(cells)
    for row in range(grid):
        rows = -(-(row + 1) * height // grid) - row * height // grid
        for column in range(grid):
            columns = -(-(column + 1) * width // grid) - column * width // grid
            for direction in range(cells.shape[2]):
                cells[row, column, direction] /= rows * columns


@compiled
def _polar(
    right: Floats,
    down: Floats,
    boundaries: Floats,
    magnitude: Floats,
    orientation: NDArray[np.uint8],
) -> None:
    """Write the length of each gradient, and among which boundaries its direction lies."""
    for x in range(len(right)):
        magnitude[x] = np.sqrt(right[x] * right[x] + down[x] * down[x])
        orientation[x] = 0
    for boundary in range(len(boundaries)):
        cosine, sine = boundaries[boundary]
        for x in range(len(right)):
            sign = 1.0 if down[x] > 0 or (down[x] == 0 and right[x] > 0) else -1.0
            orientation[x] += np.uint8(sign * (down[x] * cosine - right[x] * sine) >= 0)


_CLIP = 0.2
_FLOOR = 1e-5


@dataclass(**STRICT)
class OrientedGradients(WholeImageFamily):
    """Gradient magnitude by orientation and cell, normalised in overlapping blocks of cells.

    Dalal and Triggs, CVPR 2005, section 6: unsigned orientations, R-HOG blocks one cell apart,
    L2-Hys normalisation (unit length, clipping at 0.2, unit length); each pixel votes for one
    orientation and one cell, without their Gaussian window. Images of any size have the same
    number of cells, so the same columns; regions of interest are refused.

    Attributes:
        grid: Rows of cells, and columns of cells. Where the number does not divide the image's
            size, neighbouring cells overlap by a pixel.
        block: Rows and columns of cells in a block.
        orientations: Equal parts of the half circle; the first starts at a gradient to the right,
            they turn clockwise.
    """

    grid: Annotated[int, Field(ge=1, le=16)]
    block: Annotated[int, Field(ge=1, le=16)]
    orientations: Annotated[int, Field(ge=2, le=36)]

    @model_validator(mode="after")
    def _block_fits(self) -> Self:
        if self.block > self.grid:
            raise ValueError(f"a `block` of at most {self.grid} cells, as many as `grid`")
        return self

    prefix: ClassVar[str] = "hog"

    def names(self) -> tuple[str, ...]:
        """Return the feature names in column order; blocks, and cells in them, from 1."""
        blocks, cells = range(1, self.grid - self.block + 2), range(1, self.block + 1)
        return tuple(
            f"hog_block_{down}_{right}_cell_{row}_{column}_orientation_{orientation}"
            for down in blocks
            for right in blocks
            for row in cells
            for column in cells
            for orientation in range(1, self.orientations + 1)
        )

    def describe(self, images: NDArray[Any]) -> Floats:
        """Compute the histograms of n images, (n, n_features) in [0, 1].

        All are 0 in a block without any gradient.
        """
        angle = np.pi * np.arange(1, self.orientations) / self.orientations
        # to 15 digits, which makes the diagonal's cosine and sine equal and the vertical's cosine 0
        boundaries = np.round(np.stack([np.cos(angle), np.sin(angle)], axis=1), 15)
        intensities = images.astype(np.float64, copy=False)
        histograms = cell_histograms(intensities, self.grid, boundaries)
        cells = (self.block, self.block)
        blocks = np.lib.stride_tricks.sliding_window_view(histograms, cells, axis=(1, 2))
        ordered = np.moveaxis(blocks, 3, -1)  # n, block row, column, cell row, column, orientation
        length = self.block**2 * self.orientations
        flat = ordered.reshape(len(histograms), -1, length)
        return _unit(np.minimum(_unit(flat), _CLIP)).reshape(len(flat), -1)


def _unit(vectors: Floats) -> Floats:
    return vectors / np.sqrt(np.sum(vectors**2, axis=-1, keepdims=True) + _FLOOR**2)
