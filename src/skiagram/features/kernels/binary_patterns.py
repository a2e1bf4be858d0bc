"""Compiled counts of the rotation-invariant uniform local binary patterns."""

import numpy as np
from numpy.typing import NDArray

from skiagram.compiled import compiled


@compiled
def pattern_counts(
    padded: NDArray[np.uint16],
    inside: NDArray[np.bool_],
    corners: NDArray[np.int64],
    weights: NDArray[np.float64],
    margin: int,
) -> NDArray[np.int64]:
    """Count the patterns of each image.

    Differences are interpolated, not levels, so that none arises by rounding where an image is
    flat. A pattern with at most two changes along the circle is uniform; whether the step from
    its last neighbour to its first is counted makes no difference, as changes of a closed circle
    are even in number.

    Args:
        padded: (n, height + 2 margin, width + 2 margin) grey levels.
        inside: (n, height, width), true where a pixel's pattern counts; (1, 1, 1) for everywhere.
        corners: (neighbours, 2) row and column, from the pixel, of the pixel up and left of each
            neighbour.
        weights: (neighbours, 4) bilinear weights of that pixel, the one to its right, the one
            below and the one below right; a neighbour on a pixel has weight 1 for the first.
        margin: Rows and columns of the padding, more than the largest offset.

    Returns:
        (n, neighbours + 2): uniform patterns by their bright neighbours, then all others.
    """
    n, neighbours = len(padded), len(corners)
    height, width = padded.shape[1] - 2 * margin, padded.shape[2] - 2 * margin
    counts = np.zeros((n, neighbours + 2), dtype=np.int64)
    bright = np.empty(width, dtype=np.uint8)
    changes = np.empty(width, dtype=np.uint8)
    last = np.empty(width, dtype=np.uint8)
    everywhere = inside.size == 1
    for image in range(n):
        for y in range(height):
            centre = padded[image, margin + y, margin : margin + width]
            bright[:] = 0
            changes[:] = 0
            for at in range(neighbours):
                row, left = margin + y + corners[at, 0], margin + corners[at, 1]
                above = padded[image, row, left : left + width + 1]
                below = padded[image, row + 1, left : left + width + 1]
                w0, w1, w2, w3 = weights[at]
                for x in range(width):
                    c = np.int32(centre[x])
                    difference = w0 * (np.int32(above[x]) - c) + w1 * (np.int32(above[x + 1]) - c)
                    difference += w2 * (np.int32(below[x]) - c) + w3 * (np.int32(below[x + 1]) - c)
                    bit = np.uint8(difference >= 0)
                    bright[x] += bit
                    changes[x] += np.uint8(at > 0) & (bit ^ last[x])
                    last[x] = bit
            for x in range(width):
                if everywhere or inside[image, y, x]:
                    counts[image, bright[x] if changes[x] <= 2 else neighbours + 1] += 1
    return counts
