"""The convex hull of a region in a volume, and the boxes and ellipsoids around it, in mm."""

from typing import NamedTuple

import numpy as np
import scipy

from skiagram.arrays import Flags, Floats, Whole
from skiagram.compiled.loops import compiled


class Hull(NamedTuple):
    """The convex hull of a region's mesh.

    Attributes:
        corners: (m, 3) in mm.
        normals: (k, 3) normals of its faces, length 1, the largest faces first; of two that are
            opposite, one.
        edges: (2, e, 3) where its edges begin and end, in mm.
        sides: (2, e, 3) outward normals of the two faces that meet at each edge, length 1.
    """

    corners: Floats
    normals: Floats
    edges: Floats
    sides: Floats
    volume: float
    area: float


def convex_hull(region: Flags, spacing: Floats) -> Hull:
    """Find the convex hull of the mesh of a region.

    The corners of the mesh lie half a voxel from the voxels at the surface, so the hull is that of
    the voxels widened by an octahedron. Only voxels that are corners of the hull of their slice,
    and of their other two planes, can be corners of the whole. In whole numbers of half voxels, so
    that no rounding decides which triangles lie in one plane.

    Args:
        region: (depth, height, width), at least one voxel.
    """
    # Only corners of the hull within planes along each axis can be corners of the hull.
    points = row_ends(region)
    for axis in (0, 1, 2):
        points = corners_of_planes(points, axis)
    # The mesh cuts the sides between voxels in the middle: half a voxel beyond each centre.
    arms = np.vstack([np.eye(3, dtype=np.int64), -np.eye(3, dtype=np.int64)])
    points = (2 * points[:, None] + arms).reshape(-1, 3)
    for axis in (1, 2, 0):
        points = corners_of_planes(points, axis)
    # Triangles of the hull and the one beyond each side, corners in order as seen from outside.
    qhull = scipy.spatial.ConvexHull(points)
    triangles, beyond = qhull.simplices, qhull.neighbors
    first, second, third = np.moveaxis(points[triangles], 1, 0)
    planes = np.cross(second - first, third - first)
    inwards = (planes * qhull.equations[:, :3]).sum(axis=1) < 0
    planes[inwards] *= -1
    triangles[inwards], beyond[inwards] = triangles[inwards, ::-1], beyond[inwards, ::-1]
    # From whole half-voxels to the units of the spacing; normals are twice as long as the area.
    half = spacing / 2
    normals = planes * (half.prod() / half)
    sizes = np.sqrt(np.sum(normals**2, axis=1))
    normals /= sizes[:, None]
    # the distinct directions of faces, rounded to 9 digits; of two opposite ones, one
    rounded = np.round(normals, 9) + 0.0
    rounded *= np.sign(np.take_along_axis(rounded, (rounded != 0).argmax(axis=1)[:, None], axis=1))
    place = np.lexsort(rounded.T[::-1])
    ordered = rounded[place]
    distinct = np.append(True, (ordered[1:] != ordered[:-1]).any(axis=1))
    directions = ordered[distinct]
    face = np.empty(len(rounded), dtype=np.int64)
    face[place] = np.cumsum(distinct) - 1
    # edges, each between two faces and opposite a corner
    areas = np.bincount(face, sizes)
    triangle, corner = np.nonzero(face[beyond] < face[:, None])  # flat ones lie in one face
    ends = np.stack([triangles[triangle, (corner + step) % 3] for step in (1, 2)])
    n_edges = np.bincount(ends.ravel(), minlength=len(points))
    return Hull(
        points[n_edges > 2] * half,  # two of them make a point on an edge
        directions[np.argsort(-np.round(areas, 9), kind="stable")],
        points[ends] * half,
        np.stack([normals[triangle], normals[beyond[triangle, corner]]]),
        float((planes * first).sum() / 6 * half.prod()),
        float(sizes.sum() / 2),
    )


@compiled
def row_ends(region: Flags) -> Whole:
    """Find the first and the last voxel of each row: no other can be a corner of the hull.

    Args:
        region: (depth, height, width).

    Returns:
        (m, 3) slice, row and column.
    """
    # The first and the last voxel of each row, found from both ends.
    depth, height, width = region.shape
    ends = np.empty((2 * depth * height, 3), dtype=np.int64)
    used = 0
    for z in range(depth):
        for y in range(height):
            # A row outside the region has no end.
            first, last = 0, width - 1
            while first < width and not region[z, y, first]:
                first += 1
            if first == width:
                continue
            while not region[z, y, last]:
                last -= 1
            for end in range(2):
                ends[used, 0], ends[used, 1], ends[used, 2] = z, y, last if end else first
                used += 1
    return ends[:used]


@compiled
def corners_of_planes(points: Whole, axis: int) -> Whole:
    """Keep those points that are corners of the convex hull within their plane.

    Args:
        points: (m, 3) whole numbers.
        axis: Across the planes.

    Returns:
        (k, 3) in the order of planes and rows.
    """
    down, along = 1 if axis == 0 else 0, 1 if axis == 2 else 2
    # The range of the points.
    low, high = points[0].copy(), points[0].copy()
    for point in range(len(points)):
        for side in range(3):
            low[side] = min(low[side], points[point, side])
            high[side] = max(high[side], points[point, side])
    planes, rows = high[axis] - low[axis] + 1, high[down] - low[down] + 1
    # Ends of each row of each plane.
    ends = np.full((planes, 2, rows), _NOWHERE)  # of each row the first, and minus the last
    for point in range(len(points)):
        plane, row = points[point, axis] - low[axis], points[point, down] - low[down]
        place = points[point, along]
        ends[plane, 0, row] = min(ends[plane, 0, row], place)
        ends[plane, 1, row] = min(ends[plane, 1, row], -place)
    # What is left of both chains in each plane.
    corners, used = np.empty((2 * planes * rows, 3), dtype=np.int64), 0
    chain = np.empty(rows, dtype=np.int64)
    for plane in range(planes):
        for side in range(2):
            _keep_chain(ends[plane, side], chain)
        for row in range(rows):
            first, last = ends[plane, 0, row], -ends[plane, 1, row]
            for side in range(2):
                place = last if side else first
                if abs(place) == _NOWHERE or (side and first == last):
                    continue
                corners[used, axis], corners[used, down] = low[axis] + plane, low[down] + row
                corners[used, along] = place
                used += 1
    return corners[:used]


_NOWHERE = 2**62


@compiled
def _keep_chain(ends: Whole, chain: Whole) -> None:
    """Take away the ends that are no corners (Andrew, Inf. Proc. Letters 9(5), 1979).

    Args:
        ends: (rows,) where each row of a plane begins; `_NOWHERE` without one, and set so where it
            is no corner.
        chain: (rows,) room for the rows that stay.
    """
    # A chain that turns one way: what lies within the line of its neighbours goes.
    used = 0
    for row in range(len(ends)):
        if ends[row] == _NOWHERE:
            continue
        while used > 1:
            a, b = chain[used - 2], chain[used - 1]
            if (ends[b] - ends[a]) * (row - a) < (ends[row] - ends[a]) * (b - a):
                break
            ends[b] = _NOWHERE
            used -= 1
        chain[used] = row
        used += 1


@compiled
def diameter(corners: Floats) -> float:
    """Measure the largest distance of two points.

    Args:
        corners: (m, axes) in mm.
    """
    largest = 0.0
    for first in range(len(corners)):
        for second in range(first):
            square = 0.0
            for axis in range(corners.shape[1]):
                square += (corners[first, axis] - corners[second, axis]) ** 2
            largest = max(largest, square)
    return np.sqrt(largest)


_ROUNDING = 1e-12
_FLAT = 1e-8  # normals are rounded
_MAX_FACES = 64  # only round regions have more


@compiled
def smallest_box(corners: Floats, normals: Floats, edges: Floats, sides: Floats) -> Floats:
    """Find the sides of the smallest box with a face along one of the hull's largest.

    The box of least volume may have no face along one of the hull's, just two edges (O'Rourke, Int.
    J. Computer and Information Sciences 14(3), 1985); this one is slightly larger. Seen along the
    normal of a face, the hull's outline is made of those edges of which one side is turned away.

    Args:
        corners: (m, 3) corners of the hull.
        normals: (k, 3) normals of its faces, length 1.
        edges: (2, e, 3) where its edges begin and end.
        sides: (2, e, 3) outward normals of the two faces at each edge, length 1.

    Returns:
        (3,), the first across the face.
    """
    # Each face in turn, the largest first.
    best, box = np.inf, np.zeros(3)
    outline = np.empty((2, edges.shape[1], 2))
    first, second = np.empty(3), np.empty(3)
    for face in range(min(len(normals), _MAX_FACES)):
        normal = normals[face]
        _set_basis(normal, first, second)
        # The outline seen along the face: edges where the hull turns away.
        used = 0
        for edge in range(edges.shape[1]):
            turned = _along(sides[0, edge], normal) > _FLAT
            if turned != (_along(sides[1, edge], normal) > _FLAT):
                for end in range(2):  # so that each corner of the outline begins a side
                    place = edges[end if turned else 1 - end, edge]
                    outline[end, used, 0] = _along(place, first)
                    outline[end, used, 1] = _along(place, second)
                used += 1
        # How high the hull is above the face.
        low, high = np.inf, -np.inf
        for corner in range(len(corners)):
            place = _along(corners[corner], normal)
            low, high = min(low, place), max(high, place)
        # The rectangle around the outline closes the box.
        length, width = smallest_rectangle(outline[:, :used])
        if (high - low) * length * width < best * (1 - _ROUNDING):
            best = (high - low) * length * width
            box[0], box[1], box[2] = high - low, length, width
    return box


@compiled
def _along(place: Floats, direction: Floats) -> float:
    return place[0] * direction[0] + place[1] * direction[1] + place[2] * direction[2]


@compiled
def _set_basis(normal: Floats, first: Floats, second: Floats) -> None:
    """Set two directions across a normal and each other, all of length 1."""
    # Across the normal's least component, so that nothing small is divided by.
    least = 0 if abs(normal[0]) < 0.6 else (1 if abs(normal[1]) < 0.8 else 2)
    following, last = (least + 1) % 3, (least + 2) % 3
    size = np.sqrt(normal[following] ** 2 + normal[last] ** 2)
    first[least], first[following], first[last] = (
        0.0,
        normal[last] / size,
        -normal[following] / size,
    )
    for axis in range(3):
        following, last = (axis + 1) % 3, (axis + 2) % 3
        second[axis] = normal[following] * first[last] - normal[last] * first[following]


@compiled
def smallest_rectangle(outline: Floats) -> tuple[float, float]:
    """Find the sides of the smallest rectangle around a polygon, of several the longest.

    Freeman and Shapira, Comm. ACM 18(7), 1975.

    Args:
        outline: (2, m, 2) where the polygon's sides begin and end, in any order.

    Returns:
        The longer and the shorter side.
    """
    # A smallest rectangle has a side along one of the polygon's.
    best, length, width = np.inf, 0.0, 0.0
    for side in range(outline.shape[1]):
        y, x = outline[1, side, 0] - outline[0, side, 0], outline[1, side, 1] - outline[0, side, 1]
        size = np.sqrt(y * y + x * x)
        if size == 0:
            continue
        y, x = y / size, x / size
        low_along = low_across = np.inf
        high_along = high_across = -np.inf
        # How far the polygon reaches along that side and across it.
        for other in range(outline.shape[1]):
            along = outline[0, other, 0] * y + outline[0, other, 1] * x
            across = outline[0, other, 1] * y - outline[0, other, 0] * x
            low_along, high_along = min(low_along, along), max(high_along, along)
            low_across, high_across = min(low_across, across), max(high_across, across)
        depth, breadth = high_along - low_along, high_across - low_across
        # Of equal areas the longest counts, so that rounding decides nothing.
        area, longer = depth * breadth, max(depth, breadth)
        if area < best * (1 - _ROUNDING) or (area < best * (1 + _ROUNDING) and longer > length):
            best, length, width = min(area, best), longer, min(depth, breadth)
    return length, width


_TOLERANCE = 1e-3
_MAX_STEPS = 100_000
_TAKEN = 20


def enclosing_ellipsoid(corners: Floats) -> Floats:
    """Find the half axes of the smallest ellipsoid around points, longest first.

    Khachiyan's ascent with Todd and Yildirim's steps away from points (Discrete Applied Mathematics
    155, 2007), until the volume is within 0.2 % of the least. It works on few points and takes in
    those farthest outside, until none is.

    Args:
        corners: (m, 3), not all in a plane.

    Returns:
        (3,) in the unit of the points.
    """
    # Points with a 1 beside them: an ellipsoid about any centre is one about 0 in four dimensions.
    lifted = np.hstack([corners - corners.mean(axis=0), np.ones((len(corners), 1))])
    # Points far from the centre are likely to lie on the ellipsoid.
    extreme = [*corners.argmin(axis=0), *corners.argmax(axis=0)]
    apart = np.argsort(-np.sum(lifted[:, :3] ** 2, axis=1))[:_TAKEN]
    weight = np.zeros(len(corners))
    weight[np.append(apart, extreme)] = 1
    weight /= weight.sum()
    # Points outside are taken in until none is left.
    while True:
        chosen = np.flatnonzero(weight)
        inverse = np.linalg.inv((lifted.T * weight) @ lifted)
        height = np.sum(lifted @ inverse * lifted, axis=1)
        outside = height > 4 * (1 + _TOLERANCE)
        outside[chosen] = False
        if not outside.any():
            break
        taken = np.argsort(-np.where(outside, height, 0))[: min(_TAKEN, np.count_nonzero(outside))]
        chosen = np.append(chosen, taken)
        weight[taken] = 1e-3 / len(taken)
        # Weights of the chosen points alone, then of all.
        part = weight[chosen] / weight[chosen].sum()
        form = np.linalg.inv((lifted[chosen].T * part) @ lifted[chosen])
        _ascend(lifted[chosen], part, form, np.sum(lifted[chosen] @ form * lifted[chosen], axis=1))
        weight[:] = 0
        weight[chosen] = part
    # The half axes are those of the weighted spread.
    centre = weight @ lifted[:, :3]
    spread = (lifted[:, :3].T * weight) @ lifted[:, :3] - np.outer(centre, centre)
    axes: Floats = np.sqrt(3 * np.maximum(np.linalg.eigvalsh(spread), 0.0))
    return axes[::-1]


@compiled
def _ascend(lifted: Floats, weight: Floats, inverse: Floats, height: Floats) -> None:
    """Change the weights of points to those of their smallest ellipsoid.

    Args:
        lifted: (m, 4) points, after their places a 1.
        weight: (m,), changed as are the other two.
        inverse: (4, 4) of the sum of their weighted products.
        height: (m,) of the points in that form.
    """
    # The farthest point gains weight, or the nearest one with weight loses some.
    for _ in range(_MAX_STEPS):
        far = near = len(lifted)
        for point in range(len(lifted)):
            if far == len(lifted) or height[point] > height[far]:
                far = point
            if weight[point] > 0 and (near == len(lifted) or height[point] < height[near]):
                near = point
        above, below = height[far] / 4 - 1, 1 - height[near] / 4
        if max(above, below) < _TOLERANCE / 2:
            break
        _shift_weight(lifted, weight, inverse, height, far if above > below else near)


@compiled
def _shift_weight(
    lifted: Floats, weight: Floats, inverse: Floats, height: Floats, chosen: int
) -> None:
    """Give one point the weight that makes the ellipsoid grow most, at the cost of the others."""
    # The best step; a weight does not fall below 0.
    step = (height[chosen] - 4) / (4 * (height[chosen] - 1))
    emptied = step <= -weight[chosen] / (1 - weight[chosen])
    if emptied:
        step = -weight[chosen] / (1 - weight[chosen])
    scale = step / (1 - step + step * height[chosen])
    # The inverse and the heights follow without a new inversion (Sherman & Morrison).
    turned = np.zeros(4)
    for row in range(4):
        for column in range(4):
            turned[row] += inverse[row, column] * lifted[chosen, column]
    for row in range(4):
        for column in range(4):
            shift = scale * turned[row] * turned[column]
            inverse[row, column] = (inverse[row, column] - shift) / (1 - step)
    for point in range(len(lifted)):
        along = 0.0
        for axis in range(4):
            along += lifted[point, axis] * turned[axis]
        height[point] = (height[point] - scale * along * along) / (1 - step)
        weight[point] *= 1 - step
    weight[chosen] = 0.0 if emptied else weight[chosen] + step
