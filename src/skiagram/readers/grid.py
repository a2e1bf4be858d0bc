"""Where the voxels of a volume lie in the patient, in one convention.

Coordinates are those of DICOM (PS3.3 C.7.6.2.1.1): x grows to the patient's left, y to the back, z
to the head; mm. An array is (depth, height, width), and its axes are brought to the order z, y, x
with each growing as the coordinate that it is nearest to, so that a file saved in another
orientation gives the same array. A grid remembers in which order its file counts voxels.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skiagram.arrays import Flags, Floats
from skiagram.errors import refusal

TOLERANCE = 0.01  # share of a voxel's shortest side by which corners of equal grids may differ
EVEN = 0.02  # share of a slice distance by which a slice may lie off its even place
ROUNDED = 0.1  # mm, the same of places that are rounded to .1 mm
MOST_ROUNDED = 0.2  # share of a slice distance, which bounds that
OFF_SLICE = 0.05  # share of a slice distance by which contours and frames may lie off a slice
APART = 1.5  # of the usual distance of planes, beyond which they are parts that do not touch
MaskGrid = Literal["same", "resample"]  # a mask on other voxels than the image's is refused, or not
_SHEAR = 1e-3  # cosine between two axes


@dataclass(frozen=True)
class VoxelGrid:
    """The places of a volume's voxels.

    Attributes:
        shape: Voxels along each axis of the array: (depth, height, width).
        spacing: Distance of neighbouring voxels along each axis, mm.
        origin: Coordinates x, y, z of the centre of the first voxel, mm.
        direction: A row an axis of the array: the unit vector x, y, z along which it grows.
        frame_of_reference: DICOM UID of what the coordinates belong to; empty where nobody says.
        file_axes: Which axis of the file's array (its last index first) each axis is.
        flipped: Whether the file counts an axis from its other end.
    """

    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]
    origin: tuple[float, float, float]
    direction: tuple[tuple[float, float, float], ...]
    frame_of_reference: str = ""
    file_axes: tuple[int, int, int] = (0, 1, 2)
    flipped: tuple[bool, bool, bool] = (False, False, False)

    @classmethod
    def of(cls, shape: tuple[int, ...], steps: Floats, origin: Floats) -> "VoxelGrid":
        """Make a grid of the steps between voxels, mm; refuse axes that are not at right angles.

        Args:
            shape: Voxels along each axis of the array.
            steps: (3, 3), a row an axis of the array: from a voxel to the next one.
            origin: (3,) centre of the first voxel.

        Raises:
            DataError: Steps are 0 or infinite, or axes are tilted.
        """
        # Distances must be positive and finite.
        lengths = np.linalg.norm(steps, axis=1)
        if not (np.isfinite(steps).all() and np.isfinite(origin).all() and (lengths > 0).all()):
            raise refusal("readers.impossible_steps", lengths=_shown(lengths))
        # Axes at right angles, up to rounding.
        axes = steps / lengths[:, None]
        lean = float(np.abs(axes @ axes.T - np.eye(3)).max())
        if lean > _SHEAR:
            raise refusal("readers.tilted_by", angle=np.degrees(np.arcsin(min(lean, 1))))
        depth, height, width = shape
        direction = tuple(map(_three, axes))
        return cls((depth, height, width), _three(lengths), _three(origin), direction)

    def turned(self, order: Sequence[int]) -> "VoxelGrid":
        """Take the same places with the axes of the array in another order.

        Args:
            order: Which axis of this grid each axis is.
        """
        shape = tuple(self.shape[axis] for axis in order)
        return VoxelGrid.of(shape, self.steps()[list(order)], np.asarray(self.origin))

    def steps(self) -> Floats:
        """Compute the steps from a voxel to the next one, mm: (3, 3), a row an axis."""
        steps: Floats = np.asarray(self.direction) * np.asarray(self.spacing)[:, None]
        return steps

    def corners(self) -> Floats:
        """Compute the coordinates of the corner voxels' centres, mm: (8, 3)."""
        ends = [(0, side - 1) for side in self.shape]
        return self.positions(np.array(list(itertools.product(*ends)), dtype=np.float64))

    def positions(self, indices: Floats) -> Floats:
        """Compute coordinates x, y, z in mm of indices of the array.

        Args:
            indices: (n, 3), between voxels too.

        Returns:
            (n, 3).
        """
        return np.asarray(self.origin) + indices @ self.steps()

    def indices(self, positions: Floats) -> Floats:
        """Compute indices of the array, between voxels too, of coordinates.

        Args:
            positions: (n, 3) x, y, z, mm.

        Returns:
            (n, 3); outside the array below 0 or above its last voxel.
        """
        moved = positions - np.asarray(self.origin)
        along: Floats = moved @ np.asarray(self.direction).T
        along /= np.asarray(self.spacing)
        return along

    def from_file(self, indices: Floats) -> Floats:
        """Turn indices of the file, its last one first, into indices of the array: (n, 3) each."""
        return self._counted_from_ends(indices[:, list(self.file_axes)])

    def to_file(self, indices: Floats) -> Floats:
        """Turn indices of the array into indices of the file, its last one first: (n, 3) each."""
        return self._counted_from_ends(indices)[:, np.argsort(self.file_axes)]

    def _counted_from_ends(self, indices: Floats) -> Floats:
        return np.where(self.flipped, np.array(self.shape) - 1 - indices, indices)

    @property
    def file_spacing(self) -> tuple[float, float, float]:
        """Tell the distances of voxels along the axes of the file's array, mm."""
        return _three(self.spacing[self.file_axes.index(axis)] for axis in range(3))


def slice_tolerance(distance: float) -> float:
    """Compute how far a slice may lie off its place, mm.

    It is 2 % of the distance, or the .1 mm to which some scanners round, but no more than a fifth.

    Args:
        distance: Of slices, mm.
    """
    return max(EVEN * distance, min(ROUNDED, MOST_ROUNDED * distance))


class Volume(NamedTuple):
    """(depth, height, width) uint8, uint16, int16 or float32 voxels in canonical orientation."""

    voxels: NDArray[Any]
    grid: VoxelGrid
    modality: str = ""


def orient(array: NDArray[Any], steps: Floats, origin: Floats) -> tuple[NDArray[Any], VoxelGrid]:
    """Bring a volume to the canonical order and direction of axes; no value changes.

    Args:
        array: Three axes, in any order.
        steps: (3, 3), as of `VoxelGrid.of`.
        origin: (3,), as of `VoxelGrid.of`.

    Returns:
        The volume (depth, height, width), contiguous, and its grid, which remembers the file's
        order.
    """
    grid = VoxelGrid.of(array.shape, steps, origin)
    # the coordinate that each axis is nearest to, each coordinate once
    closeness = np.abs(np.asarray(grid.direction))
    orders = itertools.permutations(range(3))
    best = max(orders, key=lambda order: sum(closeness[axis, order[axis]] for axis in range(3)))
    nearest = list(best)
    first, second, third = map(nearest.index, (2, 1, 0))
    # The axes z, y, x of the file, and those that run backwards turned.
    order = (first, second, third)
    turned, steps = array.transpose(order), steps[list(order)]
    flipped = [False] * 3
    for axis, coordinate in enumerate((2, 1, 0)):
        if steps[axis, coordinate] < 0:
            origin = origin + steps[axis] * (turned.shape[axis] - 1)
            steps = np.where(np.arange(3)[:, None] == axis, -steps, steps)
            turned = np.flip(turned, axis)
            flipped[axis] = True
    grid = replace(
        VoxelGrid.of(turned.shape, steps, origin),
        file_axes=order,
        flipped=(flipped[0], flipped[1], flipped[2]),
    )
    return np.ascontiguousarray(turned), grid


def describe_differences(mask: VoxelGrid, image: VoxelGrid) -> list[str]:
    """Describe in what two grids differ, each with its size; empty where they agree.

    Args:
        mask: Grid of a mask.
        image: Grid of its image, of whose voxels a hundredth is allowed.
    """
    differences = []
    # Size, spacing, direction and origin, each by how far it moves the farthest voxel.
    if mask.shape != image.shape:
        differences.append(f"{_sides(mask.shape)} voxels, the image {_sides(image.shape)}")
    short = TOLERANCE * min(image.spacing)
    reach = max(image.shape)
    if np.abs(np.subtract(mask.spacing, image.spacing)).max() * reach > short:
        differences.append(
            f"spacing {_shown(mask.spacing)} mm, the image {_shown(image.spacing)} mm"
        )
    # The angle of the one rotation that leads from the mask's axes to the image's.
    turn = np.asarray(mask.direction) @ np.asarray(image.direction).T
    angle = np.degrees(np.arccos(np.clip((np.trace(turn) - 1) / 2, -1, 1)))
    if np.radians(angle) * reach * max(image.spacing) > short:
        differences.append(f"turned by {angle:.2g}°")
    moved = float(np.linalg.norm(np.subtract(mask.origin, image.origin)))
    if moved > short:
        differences.append(f"the first voxel {moved:.3g} mm away")
    return differences


def resample_mask(mask: Flags, grid: VoxelGrid, image: VoxelGrid) -> Flags:
    """Bring a mask to its image's grid: linear between voxels, inside from .5 on.

    Args:
        mask: On its own grid.
        grid: That grid.
        image: The image's grid.

    Returns:
        A mask of the image's shape; outside the mask's own grid nothing is inside.
    """
    from scipy.ndimage import map_coordinates

    inside = np.empty(image.shape, dtype=np.bool_)
    rows = np.stack(np.meshgrid(*map(np.arange, image.shape[1:]), indexing="ij"), axis=-1).reshape(
        -1, 2
    )
    for depth in range(image.shape[0]):  # slice by slice, in bounded memory
        places = np.column_stack([np.full(len(rows), depth), rows]).astype(np.float64)
        indices = grid.indices(image.positions(places)).T
        values = map_coordinates(mask.astype(np.float32), indices, order=1, mode="grid-constant")
        inside[depth] = (values >= 0.5 - 1e-6).reshape(image.shape[1:])
    return inside


def _three(values: Any) -> tuple[float, float, float]:
    first, second, third = map(float, values)
    return first, second, third


def _sides(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))


def _shown(values: Any) -> str:
    return " × ".join(f"{float(value):.4g}" for value in values)
