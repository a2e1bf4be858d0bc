"""The surface of a region in a volume: its mesh, and that of an ellipsoid.

A spacing is (3,), of slices, rows and columns, in mm.
"""

from functools import cache
from itertools import product
from typing import NamedTuple

import numpy as np

from skiagram.arrays import Flags, Floats, Whole
from skiagram.compiled.loops import compiled


@cache
def _triangles() -> tuple[Floats, Floats, Whole]:
    """List the triangles of the surface within a cell, for each set of corners in the region.

    Marching cubes (Lorensen and Cline, Computer Graphics 21(4), 1987), derived here: on each face
    of the cell, every run of corners in the region is cut off by a segment, seen from outside from
    the side where the run begins to the side where it ends; segments join to loops. Corners that
    touch across a face alone are kept apart, so that all meshes are closed. A loop of more than
    three corners, which need not be flat, is cut into a fan from that of its corners which gives
    the largest area, as in published tables; where several do, they have an equal share, so that a
    mirrored region has the same volume and area.

    Returns:
        (256, most, 3, 3) corners (slice, row, column) of the triangles in [0, 1], normals outward;
        (256, most) their shares; (256,) how many there are. Corner (z, y, x) of a cell is the bit
        4z + 2y + x.
    """
    # A table for all 256 sets of corners.
    fans = []
    for corners in range(256):
        fan = []
        for loop in _loops(corners):
            # a fan from each corner of the loop, of which those of the largest area are taken
            turned = [np.array(loop[first:] + loop[:first]) for first in range(len(loop))]
            ways = [
                [around[[0, corner, corner + 1]] for corner in range(1, len(loop) - 1)]
                for around in turned
            ]
            areas = np.zeros(len(ways))
            for number, way in enumerate(ways):
                for triangle in way:
                    sides = triangle[1:] - triangle[0]
                    areas[number] += float(np.linalg.norm(np.cross(*sides)) / 2)
            largest = np.flatnonzero(areas > areas.max() - 1e-9).tolist()
            fan += [(triangle, 1 / len(largest)) for number in largest for triangle in ways[number]]
        fans.append(fan)
    # Padded to the longest fan.
    most = max(map(len, fans))
    triangles, shares = np.zeros((256, most, 3, 3)), np.zeros((256, most))
    for corners, fan in enumerate(fans):
        for number, (triangle, share) in enumerate(fan):
            triangles[corners, number], shares[corners, number] = triangle, share
    return triangles, shares, np.array([len(fan) for fan in fans])


def _loops(corners: int) -> list[list[tuple[float, ...]]]:
    """Find the loops along which the surface meets the sides of a cell.

    Args:
        corners: Which of the eight are in the region, as bits.

    Returns:
        Of each loop the middles of the sides that it passes, in order.
    """
    following: dict[tuple[float, ...], tuple[float, ...]] = {}
    # the corners of each face of a cell, clockwise seen from outside
    faces = []
    for axis, side in product(range(3), (0, 1)):
        ring = []
        for first, second in ((0, 0), (0, 1), (1, 1), (1, 0)):
            place = [first, second]
            place.insert(axis, side)
            ring.append((place[0], place[1], place[2]))
        odd = (axis == 1) != (side == 1)
        faces.append(ring[::-1] if odd else ring)
    # the segments that cut off runs of corners, from one middle of a side to another
    for ring in faces:
        inside = [bool(corners >> (4 * z + 2 * y + x) & 1) for z, y, x in ring]
        middles = [
            tuple(np.mean([place, ring[number - 1]], axis=0).tolist())
            for number, place in enumerate(ring)
        ]
        for corner in range(4):
            if inside[corner] and not inside[corner - 1]:
                end = corner
                while inside[(end + 1) % 4]:
                    end = (end + 1) % 4
                following[middles[corner]] = middles[(end + 1) % 4]
    # Segments joined end to end become loops.
    loops = []
    while following:
        loop = [next(iter(following))]
        while (after := following.pop(loop[-1])) != loop[0]:
            loop.append(after)
        loops.append(loop)
    return loops


class Extent(NamedTuple):
    """Volume and surface of a region's mesh, and what its voxels' places add up to.

    Attributes:
        centre: (3,) their mean place, in mm.
        covariance: (3, 3) of their places with Bessel's correction, as the IBSI's values, in mm².
    """

    volume: float
    area: float
    voxels: int
    centre: Floats
    covariance: Floats


def extent(region: Flags, spacing: Floats) -> Extent:
    """Measure a region; beyond the array there is none.

    Args:
        region: (depth, height, width), at least one voxel.
        spacing: (3,).
    """
    cells, depths = _count_cells(region)
    volume, area = _measure(cells, depths, *_triangles(), spacing)
    voxels, sums, products = places(region)
    mean = sums / voxels
    spread = products - voxels * np.outer(mean, mean)
    covariance = spread / max(voxels - 1, 1) * np.outer(spacing, spacing)
    return Extent(volume, area, voxels, mean * spacing, covariance)


@compiled
def _count_cells(region: Flags) -> tuple[Whole, Whole]:
    """Count the cells of each set of corners in the region, and add up the slices they lie in.

    Not those with all corners or none, which hold no surface.

    Args:
        region: (depth, height, width).

    Returns:
        (256,) each.
    """
    # Eight corners make a byte; cells outside or inside as a whole have no surface.
    depth, height, width = region.shape
    cells, depths = np.zeros(256, dtype=np.int64), np.zeros(256, dtype=np.int64)
    codes, nothing = np.zeros(width + 1, dtype=np.uint8), np.zeros(width, dtype=np.bool_)
    for z in range(depth + 1):
        for y in range(height + 1):
            above = region[z - 1, y - 1] if z > 0 and y > 0 else nothing
            left = region[z - 1, y] if z > 0 and y < height else nothing
            right = region[z, y - 1] if z < depth and y > 0 else nothing
            below = region[z, y] if z < depth and y < height else nothing
            # The four rows that meet at a row of cells, two bits apart.
            for x in range(width):
                codes[x] = above[x] | left[x] << 2 | right[x] << 4 | below[x] << 6
            # A cell joins two columns of corners.
            before = 0
            for x in range(width + 1):
                code = before | codes[x] << 1
                before = codes[x]
                if 0 < code < 255:
                    cells[code] += 1
                    depths[code] += z
    return cells, depths


@compiled
def _measure(
    cells: Whole,
    depths: Whole,
    triangles: Floats,
    shares: Floats,
    number: Whole,
    spacing: Floats,
) -> tuple[float, float]:
    """Sum up the areas, and by the divergence theorem along the slices the volume.

    Args:
        cells: (256,) how often each form of a cell occurs.
        depths: (256,) sum of the slices that these lie in.
        triangles: (256, most, 3, 3) of each form.
        shares: (256, most) by which they count.
        number: (256,) how many triangles a form has.
        spacing: (3,).
    """
    # Each form of a cell is measured once, and counts as often as it occurs.
    volume = area = 0.0
    for code in range(256):
        for triangle in range(number[code]):
            corner = triangles[code, triangle]
            ax, bx = corner[1, 2] - corner[0, 2], corner[2, 2] - corner[0, 2]
            ay, by = corner[1, 1] - corner[0, 1], corner[2, 1] - corner[0, 1]
            az, bz = corner[1, 0] - corner[0, 0], corner[2, 0] - corner[0, 0]
            # Half the cross product: the triangle's area along each axis.
            along_z = (ax * by - ay * bx) * spacing[1] * spacing[2] / 2
            along_y = (az * bx - ax * bz) * spacing[0] * spacing[2] / 2
            along_x = (ay * bz - az * by) * spacing[0] * spacing[1] / 2
            size = np.sqrt(along_x * along_x + along_y * along_y + along_z * along_z)
            height = (corner[0, 0] + corner[1, 0] + corner[2, 0]) / 3
            area += shares[code, triangle] * cells[code] * size
            # The volume that the triangle sweeps along the slices.
            swept = (depths[code] + cells[code] * height) * spacing[0]
            volume += shares[code, triangle] * along_z * swept
    return abs(volume), area


@compiled
def places(region: Flags) -> tuple[int, Floats, Floats]:
    """Add up places of voxels and their products.

    Args:
        region: (depth, height, width).

    Returns:
        The number of voxels, (3,) the sums of their places and (3, 3) those of the places'
        products.
    """
    # Sums of places and of their products give centre and covariance.
    depth, height, width = region.shape
    total = 0
    sums, products = np.zeros(3), np.zeros((3, 3))
    for z in range(depth):
        for y in range(height):
            # Sums along a row, which the compiler makes vectors of.
            count = first = second = 0
            for x in range(width):
                inside = int(region[z, y, x])
                count += inside
                first += inside * x
                second += inside * x * x
            if count > 0:
                total += count
                sums[0] += z * count
                sums[1] += y * count
                sums[2] += first
                products[0, 0] += z * z * count
                products[0, 1] += z * y * count
                products[0, 2] += z * first
                products[1, 1] += y * y * count
                products[1, 2] += y * first
                products[2, 2] += second
    # Products are symmetric.
    for row in range(3):
        for column in range(row):
            products[row, column] = products[column, row]
    return total, sums, products


def ellipsoid_area(half_axes: Floats) -> float:
    """Compute the surface of an ellipsoid, from a series of 20 Legendre polynomials (IBSI RDD2).

    As the manual prints the series, and as its reference values are: α² = 1 − b² / a² and
    β² = 1 − c² / a². It falls short of the true surface of long ellipsoids, by 19 % of one of
    2:1:1.

    Args:
        half_axes: (3,), longest first.
    """
    longest, middle, shortest = half_axes
    if longest == 0:
        return 0.0
    flat, thin = 1 - (middle / longest) ** 2, 1 - (shortest / longest) ** 2  # α², β²
    before, term, total = 0.0, 1.0, 1.0  # (αβ)ᵛ Pᵥ by the recurrence of the polynomials
    for degree in range(20):
        following = (2 * degree + 1) * (flat + thin) / 2 * term - degree * flat * thin * before
        before, term = term, following / (degree + 1)
        total += term / (1 - 4 * (degree + 1) ** 2)
    return float(4 * np.pi * longest * middle * total)
