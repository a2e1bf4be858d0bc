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
    the voxels widened by an octahedron. In whole numbers of half voxels, so that no rounding
    decides which triangles lie in one plane.

    Args:
        region: (depth, height, width), at least one voxel.
    """
    # The mesh cuts the sides between voxels in the middle: half a voxel beyond each centre.
    arms = np.vstack([np.eye(3, dtype=np.int64), -np.eye(3, dtype=np.int64)])
    points = np.unique((2 * outer_voxels(region)[:, None] + arms).reshape(-1, 3), axis=0)
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
    directions, face = np.unique(rounded, axis=0, return_inverse=True)
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


_NOWHERE = 2**31


def outer_voxels(region: Flags) -> Whole:
    """Find (m, 3) voxels among which all corners of the hull of a region are.

    A corner is the first or the last voxel of its row, and lies outside of the lines between its
    neighbours to both sides.
    """
    # How far from either side the first voxel of each row is, in a frame of rows without any.
    depth, height, width = region.shape
    framed = np.full((2, depth + 2, height + 2), _NOWHERE)
    ends = framed[:, 1:-1, 1:-1]
    filled = region.any(axis=2)
    ends[:, filled] = region[filled].argmax(axis=1), region[filled, ::-1].argmax(axis=1)
    outside = ends < _NOWHERE
    for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)) if depth > 1 else ((0, 1),):
        z, y = 1 + down, 1 + right
        after = framed[:, z : z + depth, y : y + height]
        z, y = 1 - down, 1 - right
        outside &= 2 * ends < framed[:, z : z + depth, y : y + height] + after
    side, slices, rows = np.nonzero(outside)
    columns = np.where(side == 0, ends[outside], width - 1 - ends[outside])
    return np.stack([slices, rows, columns], axis=1)


def diameter(corners: Floats) -> float:
    """Measure the largest distance of two of (m, axes) points."""
    return float(scipy.spatial.distance.pdist(corners).max())


_ROUNDING = 1e-12
_FLAT = 1e-8  # normals are rounded
_MAX_FACES = 64  # only round regions have more


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
    # Two directions across each normal and each other, the first along no small component.
    normals = normals[:_MAX_FACES]
    first = np.cross(np.eye(3)[np.abs(normals).argmin(axis=1)], normals)
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    bases = np.stack([first, np.cross(normals, first)], axis=2)
    heights = np.ptp(corners @ normals.T, axis=0)
    turned = sides @ normals.T > _FLAT
    # Each face in turn, the largest first: the rectangle around the outline closes the box.
    best, box = np.inf, np.zeros(3)
    for face, height in enumerate(heights.tolist()):
        outline = edges[:, turned[0, :, face] != turned[1, :, face]] @ bases[face]
        length, width = smallest_rectangle(outline)
        if height * length * width < best * (1 - _ROUNDING):
            best, box = height * length * width, np.array([height, length, width])
    return box


def smallest_rectangle(outline: Floats) -> tuple[float, float]:
    """Find the sides of the smallest rectangle around a polygon, of several the longest.

    It has a side along one of the polygon's (Freeman and Shapira, Comm. ACM 18(7), 1975). An
    outline is (2, m, 2) where its sides begin and end, in any order.
    """
    # How far the polygon reaches along each of its sides and across it.
    along = outline[1] - outline[0]
    size = np.linalg.norm(along, axis=1)
    along = along[size > 0] / size[size > 0, None]
    points = outline.reshape(-1, 2)
    length = np.ptp(points @ along.T, axis=0)
    width = np.ptp(points @ (along[:, ::-1] * (1, -1)).T, axis=0)
    # Of equal areas the longest counts, so that rounding decides nothing.
    area, longer = length * width, np.maximum(length, width)
    chosen = np.where(area <= area.min() * (1 + _ROUNDING), longer, 0).argmax()
    return float(longer[chosen]), float(min(length[chosen], width[chosen]))


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
