"""Zones by their distance from the border of the region (IBSI reference manual, section 3.9)."""

import numpy as np
from numpy.typing import NDArray

from skiagram.compiled import compiled

FAR = np.uint16(2**16 - 1)


@compiled
def distance_zones(
    levels: NDArray[np.uint16], forest: NDArray[np.int32], number: int
) -> NDArray[np.int64]:
    """Count the zones of each distance and level.

    A zone is as far from the border as its nearest pixel: the steps, by sides alone, to the first
    pixel outside the region; the region ends with the image.

    Args:
        levels: (n, depth, height, width) from 1 to `number`, 0 outside the region; the smallest
            side has fewer than 2¹⁷ pixels.
        forest: (n, pixels) of `zone_forest`.
        number: Number of levels.

    Returns:
        (n, farthest, number): counts of distance 1, 2, … and level 1, 2, …
    """
    n, depth, height, width = levels.shape
    smallest = min(height, width) if depth == 1 else min(depth, height, width)
    counts = np.zeros((n, (smallest + 1) // 2, number), dtype=np.int64)
    distance = np.empty((depth, height, width), dtype=np.uint16)
    for image in range(n):
        region, flat = levels[image].ravel(), distance.reshape(-1)
        for place in range(len(flat)):
            flat[place] = FAR if region[place] > 0 else 0
        _spread(distance)
        _spread(distance[::-1, ::-1, ::-1])
        _count(region, forest[image], flat, counts[image])
    return counts


@compiled
def _spread(distance: NDArray[np.uint16]) -> None:
    """Let no pixel be more than one step farther than those right before it."""
    depth, height, width = distance.shape
    for z in range(depth):
        for y in range(height):
            for x in range(width):
                before = np.uint16(0)
                if y > 0 and x > 0 and (z > 0 or depth == 1):
                    before = min(distance[z, y - 1, x], distance[z, y, x - 1])
                    if depth > 1:
                        before = min(before, distance[z - 1, y, x])
                distance[z, y, x] = min(distance[z, y, x], before + 1)


@compiled
def _count(
    levels: NDArray[np.uint16],
    forest: NDArray[np.int32],
    distance: NDArray[np.uint16],
    counts: NDArray[np.int64],
) -> None:
    """Count the zones of one image; the distance at a root becomes that of its zone."""
    for place in range(len(levels)):
        if levels[place] > 0:
            root = place
            while forest[root] >= 0:
                root = forest[root]
            distance[root] = min(distance[root], distance[place])
    for place in range(len(levels)):
        if forest[place] < 0:
            counts[distance[place] - 1, levels[place] - 1] += 1
