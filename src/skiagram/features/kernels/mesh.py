"""The outline of a region by marching squares, and how its pixels are spread.

Lorensen and Cline, Computer Graphics 21(4), 1987, in two dimensions: the corners of a cell are the
centres of four pixels, and the outline cuts its sides half way. Pixels that touch by a corner alone
are kept apart.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skiagram.compiled import compiled


class Mesh(NamedTuple):
    """What the outlines of n regions are made of; each (n,).

    Attributes:
        pixels: Pixels of the region.
        eighths: Area within the outline, in eighths of a pixel.
        across: Segments of the outline along a row, one pixel long.
        down: Segments along a column.
        slanted: Segments from the middle of a cell's side to that of the next side.
    """

    pixels: NDArray[np.int64]
    eighths: NDArray[np.int64]
    across: NDArray[np.int64]
    down: NDArray[np.int64]
    slanted: NDArray[np.int64]


@compiled
def meshes(regions: NDArray[np.bool_]) -> Mesh:
    """Return what the outlines are made of; beyond the image there is no region.

    Args:
        regions: (n, height, width).
    """
    counts = np.zeros((5, len(regions)), dtype=np.int64)
    for image in range(len(regions)):
        region = regions[image]
        height, width = region.shape
        pixels = across = down = single = opposite = triple = 0
        for y in range(height + 1):
            above_left = below_left = False
            for x in range(width + 1):
                above = y > 0 and x < width and region[y - 1, x]
                below = y < height and x < width and region[y, x]
                corners = int(above_left) + int(below_left) + int(above) + int(below)
                pixels += below
                single += corners == 1
                triple += corners == 3
                if corners == 2:
                    opposite += above == below_left
                    across += above == above_left
                    down += above == below
                above_left, below_left = above, below
        counts[0, image], counts[2, image], counts[3, image] = pixels, across, down
        # Each pixel is a corner of four cells; what is left over are the corners of full cells.
        full = (4 * pixels - single - 2 * (opposite + across + down) - 3 * triple) // 4
        counts[1, image] = single + 2 * opposite + 4 * (across + down) + 7 * triple + 8 * full
        counts[4, image] = single + 2 * opposite + triple
    return Mesh(counts[0], counts[1], counts[2], counts[3], counts[4])


@compiled
def spreads(regions: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the covariances of the places of a region's pixels, in pixels².

    Args:
        regions: (n, height, width), at least one pixel each.

    Returns:
        (n, 3): variance down the rows, variance across the columns, covariance.
    """
    n, height, width = regions.shape
    found = np.zeros((n, 3))
    for image in range(n):
        count = rows = columns = 0
        for y in range(height):
            for x in range(width):
                if regions[image, y, x]:
                    count += 1
                    rows += y
                    columns += x
        centre_y, centre_x = rows / count, columns / count
        down = across = joint = 0.0
        for y in range(height):
            for x in range(width):
                if regions[image, y, x]:
                    down += (y - centre_y) * (y - centre_y)
                    across += (x - centre_x) * (x - centre_x)
                    joint += (y - centre_y) * (x - centre_x)
        found[image, 0], found[image, 1] = down / count, across / count
        found[image, 2] = joint / count
    return found
