"""Feature family `shape`: size and form of a region in a plane (after IBSI 3.1, HCUG)."""

from typing import ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from skiagram.compute.compiled import compiled
from skiagram.features.batch import FeatureBatch, Region
from skiagram.features.family import DefinedFamily
from skiagram.features.feature import Column
from skiagram.features.hull import diameter
from skiagram.features.morphology import spacing_of
from skiagram.options import STRICT

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Mesh(NamedTuple):
    """What the outlines of n regions are made of; each (n,).

    Attributes:
        across: Segments of the outline along a row, one pixel long.
        slanted: Segments from the middle of a cell's side to that of the next side.
    """

    pixels: Integers
    eighths: Integers
    across: Integers
    down: Integers
    slanted: Integers


@compiled
def meshes(regions: NDArray[np.bool_]) -> Mesh:
    """Return what the outlines are made of; beyond the image there is no region.

    Lorensen and Cline, Computer Graphics 21(4), 1987, in two dimensions: the corners of a cell are
    the centres of four pixels, and the outline cuts its sides half way. Pixels that touch by a
    corner alone are kept apart.

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
def spreads(regions: NDArray[np.bool_]) -> Floats:
    """Return the covariances of the places of a region's pixels, in pixels².

    Args:
        regions: (n, height, width), at least one pixel each.

    Returns:
        (n, 3): variance down the rows, variance across the columns, covariance.
    """
    n, height, width = regions.shape
    covariances = np.zeros((n, 3))
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
        covariances[image, 0], covariances[image, 1] = down / count, across / count
        covariances[image, 2] = joint / count
    return covariances


_NOWHERE = 2**62
_ROUNDING = 1e-9


@compiled
def extents(regions: NDArray[np.bool_], spacing: Floats) -> Floats:
    """Return diameter, length and width of the outlines.

    Args:
        regions: (n, height, width), at least one pixel each.
        spacing: (n, 2) distance between rows and between columns.

    Returns:
        (n, 3): the largest distance of two points of the outline, and the longer and the shorter
        side of the rectangle of smallest area around it, in any direction; of several the longest.
    """
    results = np.empty((len(regions), 3))
    for image in range(len(regions)):
        hull = convex_hull(regions[image])
        for corner in range(len(hull)):
            hull[corner, 0] *= spacing[image, 0]
            hull[corner, 1] *= spacing[image, 1]
        results[image, 0] = diameter(hull)
        results[image, 1], results[image, 2] = _rectangle(hull)
    return results


@compiled
def convex_hull(region: NDArray[np.bool_]) -> Floats:
    """Return the corners (row, column) of the convex hull of a region's outline, in turn.

    The outline passes half a pixel from the centres of the outermost pixels (see `meshes`). Andrew,
    Information Processing Letters 9(5), 1979; whole numbers throughout, so that it is exact.

    Args:
        region: (height, width), at least one pixel.
    """
    top, bottom = _profile(region)
    above, below = np.empty((len(top), 2)), np.empty((len(top), 2))
    n_above, n_below = _chain(top, above), _chain(bottom, below)
    hull = np.empty((n_above + n_below, 2))
    for corner in range(n_above):
        hull[corner, 0], hull[corner, 1] = above[corner, 0], above[corner, 1]
    for corner in range(n_below):
        back = n_below - 1 - corner
        hull[n_above + corner, 0], hull[n_above + corner, 1] = -below[back, 0], below[back, 1]
    return hull


@compiled
def _profile(region: NDArray[np.bool_]) -> tuple[Integers, Integers]:
    """Return the first and minus the last row of the outline in each column, in half pixels."""
    height, width = region.shape
    top, bottom = np.full(2 * width + 1, _NOWHERE), np.full(2 * width + 1, _NOWHERE)
    for y in range(height):
        left, right = width, -1
        for x in range(width):
            if region[y, x]:
                left, right = min(left, x), x
                top[2 * x + 1] = min(top[2 * x + 1], 2 * y)
                bottom[2 * x + 1] = -2 * y - 2
        if right >= 0:
            for side in (2 * left, 2 * right + 2):
                top[side] = min(top[side], 2 * y + 1)
                bottom[side] = min(bottom[side], -2 * y - 1)
    return top, bottom


@compiled
def _chain(rows: Integers, chain: Floats) -> int:
    """Fill in the corners (row, column) of the upper side, in pixels; return their number."""
    corners = np.empty((len(rows), 2), dtype=np.int64)
    used = 0
    for column in range(len(rows)):
        row = rows[column]
        if row == _NOWHERE:
            continue
        while used > 1:
            turn = (corners[used - 1, 1] - corners[used - 2, 1]) * (row - corners[used - 2, 0])
            straight = (corners[used - 1, 0] - corners[used - 2, 0]) * (
                column - corners[used - 2, 1]
            )
            if turn > straight:
                break
            used -= 1
        corners[used, 0], corners[used, 1] = row, column
        used += 1
    for corner in range(used):
        chain[corner, 0], chain[corner, 1] = corners[corner, 0] / 2, corners[corner, 1] / 2
    return used


@compiled
def _rectangle(hull: Floats) -> tuple[float, float]:
    """Return the sides of the smallest rectangle, which has a side in common with the hull.

    Freeman and Shapira, Comm. ACM 18(7), 1975.
    """
    smallest, length, width = np.inf, 0.0, 0.0
    for corner in range(len(hull)):
        y, x = hull[corner, 0] - hull[corner - 1, 0], hull[corner, 1] - hull[corner - 1, 1]
        size = np.sqrt(y * y + x * x)
        if size == 0:
            continue
        breadth = _breadth(hull, y / size, x / size)
        height = _breadth(hull, -x / size, y / size)
        area, longer = breadth * height, max(breadth, height)
        if area < smallest * (1 - _ROUNDING):
            smallest, length, width = area, longer, min(breadth, height)
        elif area < smallest * (1 + _ROUNDING) and longer > length:
            length, width = longer, min(breadth, height)
    return length, width


@compiled
def _breadth(hull: Floats, y: float, x: float) -> float:
    """Return how far the hull extends along a direction of length 1."""
    least, most = np.inf, -np.inf
    for corner in range(len(hull)):
        place = hull[corner, 0] * y + hull[corner, 1] * x
        least, most = min(least, place), max(most, place)
    return most - least


def shape_features(regions: NDArray[np.bool_], spacing: Floats) -> dict[str, Column]:
    """Return size and form of n regions, by feature.

    Args:
        regions: (n, height, width), at least one pixel each.
        spacing: (n, 2) distance between rows and between columns.
    """
    row, column = spacing.T
    mesh = meshes(regions)
    area = mesh.eighths / 8 * (row * column)
    straight = mesh.across * column + mesh.down * row
    perimeter = straight + mesh.slanted * np.hypot(row, column) / 2
    circularity = 2 * np.sqrt(np.pi * area) / perimeter
    major, minor = _axes(regions, row, column)
    diameters, lengths, widths = extents(regions, spacing).T
    return {
        "area_mesh": area,
        "area_pixel_counting": mesh.pixels * (row * column),
        "perimeter": perimeter,
        "perimeter_to_area_ratio": perimeter / area,
        "circularity": circularity,
        "compactness": circularity**2,
        "major_axis_length": major,
        "minor_axis_length": minor,
        "elongation": np.divide(minor, major, out=np.ones_like(minor), where=major > 0),
        "maximum_diameter": diameters,
        "length": lengths,
        "width": widths,
        "image_height": regions.shape[1] * row,
        "image_width": regions.shape[2] * column,
    }


def _axes(regions: NDArray[np.bool_], row: Column, column: Column) -> tuple[Column, Column]:
    down, across, joint = spreads(regions).T
    down, across, joint = down * row**2, across * column**2, joint * row * column
    half, apart = (down + across) / 2, np.hypot((down - across) / 2, joint)
    return 4 * np.sqrt(half + apart), 4 * np.sqrt(np.maximum(half - apart, 0))


@dataclass(**STRICT)
class Shape(DefinedFamily):
    """Size and form (after IBSI HCUG).

    Attributes:
        region: `bright`: what Otsu's threshold calls bright in the region of interest; `whole`:
            all of that, or of the image where there is none.
        unit: `pixel`, or `mm` for data sets whose images all have a known pixel spacing: a column
            has one unit in all of a data set.
    """

    region: Region
    unit: Literal["pixel", "mm"]

    prefix: ClassVar[str] = "shape"

    def extract(self, batch: FeatureBatch) -> Floats:
        """Compute the features of the regions of n plane images, (n, 14)."""
        batch.check_planes("shape")
        regions = batch.region(self.region, "shape")
        spacing = spacing_of(batch, "shape") if self.unit == "mm" else np.ones((len(batch), 2))
        return self.in_order(shape_features(regions, spacing))
