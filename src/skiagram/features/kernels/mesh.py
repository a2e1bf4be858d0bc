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
    n = len(regions)
    found = Mesh(
        np.zeros(n, np.int64),
        np.zeros(n, np.int64),
        np.zeros(n, np.int64),
        np.zeros(n, np.int64),
        np.zeros(n, np.int64),
    )
    eighths = np.array([0, 1, 4, 7, 8])  # by the number of corners inside, side by side
    for image in range(n):
        region = regions[image]
        height, width = region.shape
        for y in range(height + 1):
            above_left = below_left = False
            for x in range(width + 1):
                above = y > 0 and x < width and region[y - 1, x]
                below = y < height and x < width and region[y, x]
                corners = int(above_left) + int(below_left) + int(above) + int(below)
                found.pixels[image] += below
                found.eighths[image] += eighths[corners]
                if corners == 2 and above == below_left:
                    found.eighths[image] -= 2  # across the cell: two corners of an eighth
                    found.slanted[image] += 2
                elif corners == 2:
                    found.across[image] += above == above_left
                    found.down[image] += above == below
                elif corners % 2 == 1:
                    found.slanted[image] += 1
                above_left, below_left = above, below
    return found


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
