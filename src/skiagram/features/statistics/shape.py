"""Size and form of a region in a plane.

The IBSI's reference manual defines the morphology of volumes (section 3.1, HCUG); these are its
features with area for volume and perimeter for surface. In the formulas A is the area within the
outline, P its length, λ₁ ≥ λ₂ the variances of the places of the region's N pixels along their
principal axes. The outline passes half way between pixels inside and outside (marching squares), so
that a region of one pixel is a rhombus of half a pixel's area. The unit of length is a pixel, or mm
where `unit` is `mm`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skiagram.features.feature import Column, Feature, Features, Quantity
from skiagram.features.kernels.convex_hull import extents
from skiagram.features.kernels.mesh import Mesh, meshes, spreads


@dataclass(frozen=True)
class ShapeFeatures(Features):
    """Size and form of n regions.

    Attributes:
        regions: (n, height, width), at least one pixel each.
        spacing: (n, 2) distance between rows and between columns.
    """

    regions: NDArray[np.bool_]
    spacing: NDArray[np.float64]

    @Quantity
    def _mesh(self) -> Mesh:
        return meshes(self.regions)

    @Quantity
    def _pixel_area(self) -> Column:
        return self.spacing[:, 0] * self.spacing[:, 1]

    @Quantity
    def _axes(self) -> tuple[Column, Column]:
        row, column = self.spacing[:, 0], self.spacing[:, 1]
        down, across, joint = spreads(self.regions).T
        down, across, joint = down * row**2, across * column**2, joint * row * column
        half, apart = (down + across) / 2, np.hypot((down - across) / 2, joint)
        return 4 * np.sqrt(half + apart), 4 * np.sqrt(np.maximum(half - apart, 0))

    @Quantity
    def _extents(self) -> NDArray[np.float64]:
        return extents(self.regions, self.spacing)

    @Feature
    def area_mesh(self) -> Column:
        """Area within the outline.

        Formula: A
        Unit: pixel² or mm²
        Range: from half a pixel
        """
        return self._mesh.eighths / 8 * self._pixel_area

    @Feature
    def area_pixel_counting(self) -> Column:
        """Area of the region's pixels.

        Formula: N · area of a pixel
        Unit: pixel² or mm²
        Range: from one pixel
        """
        return self._mesh.pixels * self._pixel_area

    @Feature
    def perimeter(self) -> Column:
        """Length of the outline, that of holes included.

        Formula: P
        Unit: pixel or mm
        Range: greater than 0
        """
        row, column = self.spacing[:, 0], self.spacing[:, 1]
        straight = self._mesh.across * column + self._mesh.down * row
        return straight + self._mesh.slanted * np.hypot(row, column) / 2

    @Feature
    def perimeter_to_area_ratio(self) -> Column:
        """How much outline stands around the area.

        Formula: P / A
        Unit: 1 / pixel or 1 / mm
        Range: greater than 0
        """
        return self.perimeter / self.area_mesh

    @Feature
    def circularity(self) -> Column:
        """Perimeter of the circle of equal area, relative to the region's.

        Formula: 2 √(π A) / P
        Unit: 1
        Range: (0, 1)
        """
        return 2 * np.sqrt(np.pi * self.area_mesh) / self.perimeter

    @Feature
    def compactness(self) -> Column:
        """Area relative to that of the circle of equal perimeter (Cox, J. Paleontology 1, 1927).

        Formula: 4π A / P²
        Unit: 1
        Range: (0, 1)
        """
        return self.circularity**2

    @Feature
    def major_axis_length(self) -> Column:
        """Length of the ellipse whose pixels are spread alike; 0 for one pixel (TDIC).

        Formula: 4 √λ₁
        Unit: pixel or mm
        Range: from 0
        """
        return self._axes[0]

    @Feature
    def minor_axis_length(self) -> Column:
        """Width of the ellipse whose pixels are spread alike; 0 for a line (P9VJ).

        Formula: 4 √λ₂
        Unit: pixel or mm
        Range: [0, major axis length]
        """
        return self._axes[1]

    @Feature
    def elongation(self) -> Column:
        """Minor relative to major axis, 1 for round regions and for one pixel (Q3CK).

        Formula: √(λ₂ / λ₁)
        Unit: 1
        Range: [0, 1]
        """
        major, minor = self._axes
        return np.divide(minor, major, out=np.ones_like(minor), where=major > 0)

    @Feature
    def maximum_diameter(self) -> Column:
        """Largest distance between two points of the outline (L0JK).

        Formula: max |x − y|
        Unit: pixel or mm
        Range: from one pixel
        """
        return self._extents[:, 0]

    @Feature
    def length(self) -> Column:
        """Longer side of the smallest rectangle around the outline, in any direction.

        Formula: a ≥ b of least a b; of several the largest a
        Unit: pixel or mm
        Range: [width, maximum diameter]
        """
        return self._extents[:, 1]

    @Feature
    def width(self) -> Column:
        """Shorter side of the same rectangle.

        Formula: b
        Unit: pixel or mm
        Range: (0, length]
        """
        return self._extents[:, 2]

    @Feature
    def image_height(self) -> Column:
        """Height of the image, whatever the region.

        Formula: rows · their distance
        Unit: pixel or mm
        Range: from one pixel
        """
        return self.regions.shape[1] * self.spacing[:, 0]

    @Feature
    def image_width(self) -> Column:
        """Width of the image, whatever the region.

        Formula: columns · their distance
        Unit: pixel or mm
        Range: from one pixel
        """
        return self.regions.shape[2] * self.spacing[:, 1]
