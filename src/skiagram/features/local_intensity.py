"""Feature family `local_intensity`: peaks within a sphere of 1 cm³ (IBSI 3.2, 9ST6)."""

from typing import ClassVar

import numpy as np
from pydantic.dataclasses import dataclass

from skiagram.arrays import Flags, Floats
from skiagram.features.batch import FeatureBatch
from skiagram.features.family import DefinedFamily
from skiagram.features.morphology import known_spacing
from skiagram.strict import STRICT

RADIUS = 10 * (3 / (4 * np.pi)) ** (1 / 3)  # of a sphere of 1 cm³, in mm


def peaks(image: Floats, inside: Flags, spacing: Floats) -> tuple[float, float]:
    """Find the peak around the most intense voxel, and the highest of those around any voxel.

    A peak is the mean of the voxels whose centres lie within the sphere, be they of the region or
    not; what lies beyond the image is left out.

    Args:
        image: (depth, height, width).
        inside: Of the same shape, the region.
        spacing: (3,) of slices, rows and columns, mm.
    """
    from scipy.signal import fftconvolve

    # A sphere of 1 cm³ around each voxel.
    far = (RADIUS / spacing).astype(np.int64).tolist()
    steps = np.ogrid[tuple(slice(-reach, reach + 1) for reach in far)]
    sphere = sum((step * apart) ** 2 for step, apart in zip(steps, spacing, strict=True))
    within = (sphere <= RADIUS**2).astype(np.float64)
    # At the border fewer voxels lie in the sphere, so each mean has its own number.
    voxels = np.rint(fftconvolve(np.ones(image.shape), within, mode="same"))
    means = fftconvolve(image, within, mode="same") / voxels
    most_intense = inside & (image == image[inside].max())
    return float(means[most_intense].max()), float(means[inside].max())


@dataclass(**STRICT)
class LocalIntensity(DefinedFamily):
    """Peaks within a sphere of 1 cm³ (IBSI 9ST6), as of the uptake in PET."""

    prefix: ClassVar[str] = "local_intensity"

    def reach(self, spacing: Floats) -> Floats:
        return RADIUS // spacing

    def extract(self, batch: FeatureBatch) -> Floats:
        """Compute the features of n images or volumes; a plane image is one slice.

        Returns:
            (n, 2), in the unit of the intensities.

        Raises:
            DataError: The spacing is unknown.
        """
        spacing = known_spacing(batch, "local_intensity")
        # The sphere reaches beyond the region.
        part = batch.cropped(self.reach(spacing.min(axis=0)).astype(np.int64).tolist())
        images, inside = part.intensities(self.prefix), part.region("whole", self.prefix)
        if not batch.volumes:
            images, inside = images[:, None], inside[:, None]
            beyond = np.full((len(batch), 1), 2 * RADIUS)  # no slice is near
            spacing = np.hstack([beyond, spacing])
        return np.array([*map(peaks, images, inside, spacing)])
