"""Where the breast is on a digitised film, and places relative to it.

Labels, tape and wedges beside the breast must not tell the class. The film is averaged over blocks,
thresholded by minimum cross-entropy (Li and Lee 1993, Pattern Recognition 26:617), holes are
filled, everything narrower than the opening disc is dropped and the largest connected part is kept.
The pectoral muscle stays. The faint rim of skin is darker than the threshold and is lost.

A relative position means the same on breasts of different size, so it can be carried over.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.filters import threshold_li
from skimage.measure import label, regionprops

BLOCK = 4  # film pixels a side; outlines are no finer than this
_RADIUS = 8  # blocks; labels touch the breast by narrower bridges, the axilla is wider
_SHARE = (0.05, 0.9)  # of the film that a breast covers
_SOLIDITY = 0.85  # share of its convex hull; a bar or a label on the outline lowers it
_RIVAL = 0.5  # the next bright part, as a share of the breast


@dataclass(frozen=True)
class Breast:
    """The breast on one film.

    Attributes:
        blocks: (height / 4, width / 4) bool, True where the breast is.
        plausible: Whether area, outline and the lack of a rival speak for a breast.
    """

    blocks: NDArray[np.bool_]
    plausible: bool

    def mask(self) -> NDArray[np.bool_]:
        """Return the mask pixel by pixel, (height, width) bool."""
        return self.blocks.repeat(BLOCK, axis=0).repeat(BLOCK, axis=1)


def block_means(image: NDArray[np.generic], block: int) -> NDArray[np.float32]:
    """Average an image over square blocks; sides must be multiples of the block."""
    height, width = image.shape
    blocks = image.reshape(height // block, block, width // block, block)
    means: NDArray[np.float64] = blocks.mean(axis=(1, 3), dtype=np.float64)
    return means.astype(np.float32)


def find_breast(film: NDArray[np.uint8]) -> Breast:
    """Find the breast on a film.

    Args:
        film: (height, width) uint8, air dark, tissue bright; sides are multiples of 4.

    Returns:
        The largest bright part. A film without any has an empty, implausible mask.
    """
    brightness = block_means(film, BLOCK)
    if brightness.min() == brightness.max():
        return Breast(np.zeros(brightness.shape, dtype=np.bool_), plausible=False)
    bright = ndimage.binary_fill_holes(brightness > threshold_li(brightness))
    parts = label(_open_mask(bright), connectivity=1)
    areas = np.bincount(parts.ravel())[1:]
    if not len(areas):
        return Breast(np.zeros(brightness.shape, dtype=np.bool_), plausible=False)
    blocks: NDArray[np.bool_] = parts == 1 + areas.argmax()
    rival = np.sort(areas)[-2] if len(areas) > 1 else 0
    plausible = (
        _SHARE[0] <= blocks.mean() <= _SHARE[1]
        and regionprops(blocks.astype(np.uint8))[0].solidity >= _SOLIDITY
        and rival < _RIVAL * areas.max()
    )
    return Breast(blocks, bool(plausible))


def wall_on_right(blocks: NDArray[np.bool_]) -> bool:
    """Return whether the chest wall is on the right of a film.

    In the upper third of a breast most of it lies at the wall, towards the axilla.

    Args:
        blocks: (height, width) bool, the breast, not empty.
    """
    rows = np.flatnonzero(blocks.any(axis=1))
    columns = np.flatnonzero(blocks.any(axis=0))
    upper = blocks[rows[0] : rows[0] + math.ceil(len(rows) / 3)]
    centre = float(np.nonzero(upper)[1].mean())
    return bool(centre > (columns[0] + columns[-1]) / 2)


def _open_mask(bright: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Drop what no disc fits into; the surroundings of the film are dark."""
    margin = _RADIUS + 1
    padded = np.pad(bright, margin)
    eroded = ndimage.distance_transform_edt(padded) > _RADIUS
    if not eroded.any():
        return np.zeros_like(bright)
    dilated = ndimage.distance_transform_edt(~eroded) <= _RADIUS
    opened: NDArray[np.bool_] = dilated[margin:-margin, margin:-margin]
    return opened


@dataclass(frozen=True)
class RelativePosition:
    """A place relative to one breast.

    Attributes:
        height: From the top of the mask (0) to its bottom (1).
        depth: From the chest wall (0) to the far edge of the mask (1), in the place's row.
    """

    height: float
    depth: float


def to_relative_position(mask: NDArray[np.bool_], row: int, column: int) -> RelativePosition | None:
    """Express a pixel relative to the breast.

    Args:
        mask: (height, width) bool, chest wall on the left.
        row: Row of the pixel.
        column: Column of the pixel.

    Returns:
        The place, or None outside the mask.
    """
    if not mask[row, column]:
        return None
    top, bottom = _extent(np.flatnonzero(mask.any(axis=1)))
    wall, edge = _extent(np.flatnonzero(mask[row]))
    return RelativePosition(
        (row - top) / max(bottom - top, 1), (column - wall) / max(edge - wall, 1)
    )


def to_pixel(mask: NDArray[np.bool_], place: RelativePosition) -> tuple[int, int]:
    """Return row and column of a relative place on another breast.

    Args:
        mask: (height, width) bool, not empty and connected, chest wall on the left.
        place: The place.
    """
    top, bottom = _extent(np.flatnonzero(mask.any(axis=1)))
    row = round(top + place.height * (bottom - top))
    wall, edge = _extent(np.flatnonzero(mask[row]))
    return row, round(wall + place.depth * (edge - wall))


def _extent(filled: NDArray[np.intp]) -> tuple[int, int]:
    return int(filled[0]), int(filled[-1])
