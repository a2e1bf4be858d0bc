"""Feature family `shape`: size and form of a region in a plane (after IBSI 3.1, HCUG)."""

from typing import ClassVar, Literal

import numpy as np
from pydantic.dataclasses import dataclass

from skiagram.arrays import Flags, Floats
from skiagram.features.batch import FeatureBatch, Region
from skiagram.features.family import DefinedFamily
from skiagram.features.feature import Column
from skiagram.features.hull import (
    corners_of_planes,
    diameter,
    row_ends,
    smallest_rectangle,
)
from skiagram.features.morphology import known_spacing
from skiagram.features.surface import places
from skiagram.strict import STRICT

# By which of four pixels (above left, above right, below left, below right, as bits) are in the
# region: the area within a cell between their centres, in eighths of it, and the length of the
# outline there, in pixels: along rows, along columns, and slanted, in half diagonals.
_CELLS = np.array(
    [
        [0, 1, 1, 4, 1, 4, 2, 7, 1, 2, 4, 7, 4, 7, 7, 8],
        [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0],
        [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0],
        [0, 1, 1, 0, 1, 0, 2, 1, 1, 2, 0, 1, 0, 1, 1, 0],
    ]
)


_ARMS = np.array([[0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]])


def extents(region: Flags, spacing: Floats) -> tuple[float, float, float]:
    """Measure diameter, length and width of the outline of a region.

    The outline passes half a pixel from the centres of the outermost pixels.

    Args:
        region: (height, width), at least one pixel.
        spacing: (2,) distance between rows and between columns.

    Returns:
        The largest distance of two points of the outline, and the longer and the shorter side of
        the rectangle of smallest area around it, in any direction; of several the longest.
    """
    points = corners_of_planes(row_ends(region[None]), 0)
    points = (2 * points[:, None] + _ARMS).reshape(-1, 3)
    corners = corners_of_planes(points, 0)[:, 1:] / 2 * spacing
    y, x = (corners - corners.mean(axis=0)).T
    around = corners[np.argsort(np.arctan2(y, x))]
    sides = np.stack([around, np.roll(around, -1, axis=0)])
    return (diameter(corners), *smallest_rectangle(sides))


def shape_features(regions: Flags, spacing: Floats) -> dict[str, Column]:
    """Measure size and form of regions, by feature.

    The outline is that of Lorensen and Cline, Computer Graphics 21(4), 1987, in two dimensions: the
    corners of a cell are the centres of four pixels, and the outline cuts its sides half way.
    Pixels that touch by a corner alone are kept apart; beyond the image there is no region.

    Args:
        regions: (n, height, width), at least one pixel each.
        spacing: (n, 2) distance between rows and between columns.

    Returns:
        Feature name without prefix → (n,), in the unit of the spacing.
    """
    # Each cell between four pixels has one of sixteen forms.
    row, column = spacing.T
    pixels = np.pad(regions, ((0, 0), (1, 1), (1, 1))).view(np.uint8)
    codes = pixels[:, :-1, :-1] | pixels[:, :-1, 1:] << 1
    codes |= pixels[:, 1:, :-1] << 2 | pixels[:, 1:, 1:] << 3
    cells = np.stack([np.bincount(image.ravel(), minlength=16) for image in codes], axis=1)
    # Area and perimeter are sums over cells of each form.
    eighths, across, down, slanted = _CELLS @ cells
    area = eighths / 8 * (row * column)
    perimeter = across * column + down * row + slanted * np.hypot(row, column) / 2
    circularity = 2 * np.sqrt(np.pi * area) / perimeter
    # the axes of the ellipse that spreads as the region's pixels do
    spreads = np.empty((len(regions), 2, 2))
    for image, region in enumerate(regions):
        size, sums, products = places(region[None])
        spreads[image] = (products - np.outer(sums, sums) / size)[1:, 1:] / size
    row_variance, column_variance = spreads[:, 0, 0] * row**2, spreads[:, 1, 1] * column**2
    joint = spreads[:, 0, 1] * row * column
    half = (row_variance + column_variance) / 2
    apart = np.hypot((row_variance - column_variance) / 2, joint)
    major, minor = 4 * np.sqrt(half + apart), 4 * np.sqrt(np.maximum(half - apart, 0))
    # Diameter, length and width by the corners of the hull.
    diameters, lengths, widths = np.array([*map(extents, regions, spacing)]).T
    return {
        "area_mesh": area,
        "area_pixel_counting": regions.sum(axis=(1, 2)) * (row * column),
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
        batch.check_planes("shape")
        regions = batch.region(self.region, "shape")
        spacing = known_spacing(batch, "shape") if self.unit == "mm" else np.ones((len(batch), 2))
        return self.in_order(shape_features(regions, spacing))
