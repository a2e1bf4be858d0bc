"""Feature family `hog`: histograms of oriented gradients on a fixed grid of cells."""

from typing import Annotated, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from skiagram.features.batch import Batch
from skiagram.features.definition import Definition
from skiagram.features.kernels.oriented_gradients import cell_histograms
from skiagram.options import STRICT

_CLIP = 0.2
_FLOOR = 1e-5
_NAME = (
    "hog_block_<block_row>_<block_column>_cell_<cell_row>_<cell_column>_orientation_<orientation>"
)
_DEFINITIONS = (
    Definition(
        _NAME,
        "Share of a block's gradients that have this orientation and stand in this cell; 0 in a "
        "block without any.",
        "w / √(‖w‖² + ε²), w = min(v / √(‖v‖² + ε²), 0.2), v the mean magnitudes, ε = 1e-5",
        "1",
        "[0, 1]",
    ),
)


@dataclass(**STRICT)
class OrientedGradients:
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
            raise ValueError(f"a `block` of at most {self.grid} cells, the size of `grid`")
        return self

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

    def definitions(self) -> tuple[Definition, ...]:
        """Return what the features mean, in column order."""
        return _DEFINITIONS

    def extract(self, batch: Batch) -> NDArray[np.float64]:
        """Compute the features of a batch of equally sized images of any size from 1×1.

        Args:
            batch: Images of one channel, or of three reduced to luminance.

        Returns:
            (n, n_features) float64 in [0, 1]; 0 in a block without any gradient.

        Raises:
            DataError: The images have neither one channel nor three, or they have masks.
        """
        batch.check_whole("hog")
        histograms = cell_histograms(batch.luminance("hog"), self.grid, self._boundaries())
        cells = (self.block, self.block)
        blocks = np.lib.stride_tricks.sliding_window_view(histograms, cells, axis=(1, 2))
        ordered = np.moveaxis(blocks, 3, -1)  # n, block row, column, cell row, column, orientation
        length = self.block**2 * self.orientations
        flat = ordered.reshape(len(histograms), -1, length)
        return _unit(np.minimum(_unit(flat), _CLIP)).reshape(len(flat), -1)

    def _boundaries(self) -> NDArray[np.float64]:
        angle = np.pi * np.arange(1, self.orientations) / self.orientations
        # to 15 digits, which makes the diagonal's cosine and sine equal and the vertical's cosine 0
        return np.round(np.stack([np.cos(angle), np.sin(angle)], axis=1), 15)


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    return vectors / np.sqrt(np.sum(vectors**2, axis=-1, keepdims=True) + _FLOOR**2)
