"""Feature family `local_intensity`: peaks within a sphere of 1 cm³ (IBSI 3.2, 9ST6)."""

from typing import ClassVar

import numpy as np
from pydantic.dataclasses import dataclass

from skiagram.compute.compiled import compiled
from skiagram.features.batch import FeatureBatch
from skiagram.features.family import DefinedFamily
from skiagram.features.feature import Flags, Floats, Integers
from skiagram.features.morphology import spacing_of
from skiagram.options import STRICT

RADIUS = 10 * (3 / (4 * np.pi)) ** (1 / 3)  # of a sphere of 1 cm³, in mm


@compiled
def peaks(image: Floats, inside: Flags, spacing: Floats) -> tuple[float, float]:
    """Return the peak around the most intense voxel, and the highest of those around any voxel.

    A peak is the mean of the voxels whose centres lie within the sphere, be they of the region or
    not; what lies beyond the image is left out.
    """
    depth, height, width = image.shape
    rows = _rows_of_sphere(spacing)
    sums = np.zeros((depth, height, width + 1))
    for z in range(depth):
        for y in range(height):
            for x in range(width):
                sums[z, y, x + 1] = sums[z, y, x] + image[z, y, x]
    highest = local = overall = -np.inf
    for z in range(depth):
        for y in range(height):
            for x in range(width):
                if inside[z, y, x]:
                    peak = _peak(sums, rows, z, y, x)
                    overall = max(overall, peak)
                    if image[z, y, x] > highest:
                        highest, local = image[z, y, x], peak
                    elif image[z, y, x] == highest:
                        local = max(local, peak)
    return local, overall


@compiled
def _rows_of_sphere(spacing: Floats) -> Integers:
    """Return slice, row and half the length of each row of the sphere around a voxel."""
    far, down = int(RADIUS / spacing[0]), int(RADIUS / spacing[1])
    rows = np.empty(((2 * far + 1) * (2 * down + 1), 3), dtype=np.int64)
    used = 0
    for z in range(-far, far + 1):
        for y in range(-down, down + 1):
            rest = RADIUS**2 - (z * spacing[0]) ** 2 - (y * spacing[1]) ** 2
            if rest >= 0:
                rows[used, 0], rows[used, 1] = z, y
                rows[used, 2] = int(np.sqrt(rest) / spacing[2])
                used += 1
    return rows[:used]


@compiled
def _peak(sums: Floats, rows: Integers, z: int, y: int, x: int) -> float:
    """Return the mean of the sphere around a voxel, from the sums along each row."""
    depth, height, width = sums.shape
    total, count = 0.0, 0
    for row in range(len(rows)):
        near_z, near_y = z + rows[row, 0], y + rows[row, 1]
        if 0 <= near_z < depth and 0 <= near_y < height:
            first = max(0, x - rows[row, 2])
            end = min(width - 1, x + rows[row, 2] + 1)
            total += sums[near_z, near_y, end] - sums[near_z, near_y, first]
            count += end - first
    return total / count


@dataclass(**STRICT)
class LocalIntensity(DefinedFamily):
    """Peaks within a sphere of 1 cm³ (IBSI 9ST6), as of the uptake in PET."""

    prefix: ClassVar[str] = "local_intensity"

    def extract(self, batch: FeatureBatch) -> Floats:
        """Compute the features of n images or volumes, (n, 2); a plane image is one slice."""
        spacing = spacing_of(batch, "local_intensity")
        reach = (RADIUS / spacing.min(axis=0)).astype(np.int64).tolist()
        part = batch.cropped(reach)
        images, inside = part.intensities(self.prefix), part.region("whole", self.prefix)
        if not batch.volumes:
            images, inside = images[:, None], inside[:, None]
            beyond = np.full((len(batch), 1), 2 * RADIUS)  # no slice is near
            spacing = np.hstack([beyond, spacing])
        return np.array([*map(peaks, images, inside, spacing)])
