"""Closed contours drawn on the slices of an image, and the voxels within them."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations

import numpy as np

from skiagram.arrays import Flags, Floats
from skiagram.errors import refusal
from skiagram.readers.grid import APART, OFF_SLICE, MaskGrid, VoxelGrid, slice_tolerance

_MARGIN = (0.5 + OFF_SLICE, 1, 1)  # slices, rows, columns: contours follow the edges of voxels
_ALONG = 0.1  # of a pixel: how far apart two contours of one line may run


def fill_contours(
    contours: Sequence[Floats],
    name: str,
    image: VoxelGrid,
    mask_grid: MaskGrid,
    *,
    nested: bool,
) -> Flags:
    """Fill the voxels whose centres lie within the contours of a plane; a second one is a hole.

    By the even-odd rule over all different contours of a plane (PS3.3 C.8.8.6.3 leaves the rule
    open; this one gives the masks of the IBSI's soft-tissue sarcoma set voxel for voxel).

    Args:
        contours: (n, 3) places of corners in the patient, mm; the last one joins the first.
        name: What errors call the region.
        mask_grid: `same` asks for contours on all slices of the image, `resample` fills between.
        nested: Whether contours of a plane must not cross each other.

    Raises:
        DataError: The contours leave the image or its slices, cross, or run along each other.
    """
    # The corners in voxels, slices first.
    corners = [image.indices(contour) for contour in contours]
    flat = [max(np.ptp(points[:, axis]) for points in corners) for axis in range(3)]
    axis = int(np.argmin(flat))  # of coronal and sagittal series the slices are not the first one
    order = [axis, *(other for other in range(3) if other != axis)]
    corners, image = [points[:, order] for points in corners], image.turned(order)
    _check_extent(corners, image)
    # Depths that are off a slice as rounded numbers are count as on it.
    depths = np.array([points[:, 0].mean() for points in corners])
    near = max(OFF_SLICE, slice_tolerance(image.spacing[0]) / image.spacing[0])
    if np.abs(depths - np.rint(depths)).max() <= near:
        depths = np.rint(depths)
    _, plane_of = np.unique(depths.round(2), return_inverse=True)
    depths = np.bincount(plane_of, depths) / np.bincount(plane_of)
    # Each plane's contours, filled; one stored twice counts once.
    planes: list[dict[bytes, Flags]] = [{} for _ in depths]
    outlines: dict[tuple[int, bytes], Floats] = {}
    for plane, points in zip(plane_of, corners, strict=True):
        filled = fill_polygon(points[:, 1:], image.shape[1:])
        equal = outlines.setdefault((plane, filled.tobytes()), points[:, 1:])
        if filled.any() and equal.base is not points and not _one_line(equal, points[:, 1:]):
            raise refusal("readers.thin_ring", name=name)
        planes[plane][filled.tobytes()] = filled  # a contour stored twice, maybe of other points
    # two contours of a plane overlap, and neither holds the other
    if nested and any(
        (first & second).any() and (first & ~second).any() and (second & ~first).any()
        for plane in planes
        for first, second in combinations(plane.values(), 2)
    ):
        raise refusal("readers.crossing_contours", name=name)
    # An odd number of contours around a voxel is inside.
    inside = np.array([np.logical_xor.reduce(list(plane.values())) for plane in planes])
    return np.moveaxis(_fill_between(depths, inside, image, mask_grid), 0, axis)


def _one_line(first: Floats, second: Floats) -> bool:
    """Tell whether two closed polygons run along each other, up to a tenth of a pixel.

    Args:
        first: (n, 2) rows and columns of corners.
        second: (m, 2) rows and columns of corners.
    """
    if {*map(tuple, first.round(6))} == {*map(tuple, second.round(6))}:
        return True
    for points, corners in ((first, second), (second, first)):
        along = np.roll(corners, -1, axis=0) - corners
        length = np.maximum((along**2).sum(axis=1), 1e-12)
        for point in points:  # to the nearest point of the other polygon
            share = np.clip((along * (point - corners)).sum(axis=1) / length, 0, 1)
            feet = corners + share[:, None] * along
            nearest = feet[np.argmin(((feet - point) ** 2).sum(axis=1))]
            if float(np.hypot(*(nearest - point))) > _ALONG:
                return False
    return True


def _check_extent(corners: list[Floats], image: VoxelGrid) -> None:
    """Refuse contours beyond the image, or across its slices; also where a number is none.

    Args:
        corners: (n, 3) indices of each contour, slices first.
        image: Grid of the image, its axes in that order.

    Raises:
        DataError: Contours leave the image by more than half a slice or a pixel, or are no planes
            of it.
    """
    every = np.concatenate(corners)
    beyond = np.maximum(-every, every - np.array(image.shape) + 1).max(axis=0)
    if not (beyond <= _MARGIN).all():
        axis = int(np.argmax(beyond - _MARGIN))
        end = "the edge" if axis else "the first or last slice"
        raise refusal(
            "readers.contour_beyond_image",
            distance=beyond[axis] * image.spacing[axis],
            end=end,
        )
    if max(np.ptp(points[:, 0]) for points in corners) > OFF_SLICE:
        raise refusal("readers.contours_across_slices")


def _fill_between(depths: Floats, planes: Flags, image: VoxelGrid, mask_grid: MaskGrid) -> Flags:
    """Fill the mask of planes at rising depths, in slices of the image.

    Between planes the signed distance from their outlines is linear (Raya and Udupa, IEEE Trans Med
    Imaging 9:32, 1990); a part ends half a distance beyond its last plane.

    Args:
        depths: (n,) rising, in slices of the image.
        planes: (n, height, width) filled contours.
        image: Grid of the image.
        mask_grid: `same` asks for a contour on each slice.

    Raises:
        DataError: Contours lie between slices, or on every other one, and nothing may be moved.
    """
    # The usual distance of contours, in slices.
    gaps = np.diff(depths)
    usual = float(np.sort(gaps)[(len(gaps) - 1) // 2]) if len(gaps) else 1.0
    off = float(np.abs(depths - np.rint(depths)).max())
    # Contours on each slice need nothing between them.
    inside = np.zeros(image.shape, dtype=np.bool_)
    if off == 0 and usual == 1:
        inside[depths.astype(int)] = planes
        return inside
    if mask_grid == "same":
        distance = image.spacing[0]
        raise refusal(
            "readers.contours_between_slices",
            apart=usual * distance,
            off=off * distance,
            distance=distance,
        )

    @lru_cache(2)
    def distance_inside(plane: int) -> Floats:
        """Return how far inside each pixel lies, mm; a plane without one is far outside."""
        from scipy.ndimage import distance_transform_edt

        drawn, sampling = planes[plane], image.spacing[1:]
        if not drawn.any():
            return np.full(drawn.shape, -1e9)
        within = distance_transform_edt(np.pad(drawn, 1), sampling=sampling)[1:-1, 1:-1]
        signed: Floats = within - distance_transform_edt(~drawn, sampling)
        return signed

    # Between two contours the signed distance is interpolated; beyond the last one half a gap.
    for depth in range(image.shape[0]):
        after = int(np.searchsorted(depths, depth))
        near = [plane for plane in (after - 1, after) if 0 <= plane < len(depths)]
        gap = float(np.ptp(depths[near]))
        if 0 < gap <= APART * usual:
            share = (depth - depths[after - 1]) / gap
            before, behind = distance_inside(after - 1), distance_inside(after)
            inside[depth] = (1 - share) * before + share * behind > 0
        else:
            nearest = min(near, key=lambda plane: abs(float(depths[plane]) - depth))
            if abs(depths[nearest] - depth) <= usual / 2 + 1e-6:
                inside[depth] = planes[nearest]
    return inside


def fill_polygon(corners: Floats, shape: tuple[int, ...]) -> Flags:
    """Fill the pixels whose centres lie within a closed polygon, by the even-odd rule.

    A centre is inside if a line from it along its row crosses the polygon an odd number of times.
    Contours have thousands of corners, so each edge looks at the rows that it crosses alone.

    Args:
        corners: (n, 2) rows and columns of the corners, in pixels; the last one joins the first.
        shape: (height, width).
    """
    height, width = shape
    ends = np.roll(corners, -1, axis=0)
    # The rows that each edge crosses, one entry an edge and row.
    low, high = np.minimum(corners[:, 0], ends[:, 0]), np.maximum(corners[:, 0], ends[:, 0])
    first = np.clip(np.ceil(low), 0, height).astype(int)  # rows r with low <= r < high
    last = np.clip(np.ceil(high), 0, height).astype(int)
    edge = np.repeat(np.arange(len(corners)), last - first)
    row = np.arange(len(edge)) - np.repeat(np.cumsum(last - first) - (last - first), last - first)
    row += first[edge]
    # Where it crosses them; a pixel is inside behind an odd number of crossings.
    share = (row - corners[edge, 0]) / (ends[edge, 0] - corners[edge, 0])
    column = corners[edge, 1] + share * (ends[edge, 1] - corners[edge, 1])
    crossings = np.zeros((height, width + 1), dtype=np.int64)
    np.add.at(crossings, (row, np.clip(np.ceil(column), 0, width).astype(int)), 1)
    inside: Flags = np.cumsum(crossings, axis=1)[:, :width] % 2 == 1
    return inside
