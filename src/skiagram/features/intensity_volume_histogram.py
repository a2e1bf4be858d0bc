"""Feature family `intensity_volume_histogram`: volume above an intensity (IBSI 3.5, P88C)."""

from typing import Annotated, ClassVar, NamedTuple, Self

import numpy as np
from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from skiagram.arrays import Floats
from skiagram.errors import refusal
from skiagram.features.batch import FeatureBatch
from skiagram.features.family import DefinedFamily
from skiagram.strict import STRICT, AboveZero

_PIECE = 2**18  # voxels that are looked at together
_MAX_STEPS = 1_000_000


class VolumeCurve(NamedTuple):
    """The histogram of one region.

    Attributes:
        intensity: (k,) ascending; the unit of the image.
        fraction: (k,) of the way from the lowest to the highest intensity, γ.
        volume: (k,) share of the region's volume that has at least the intensity, ν.
    """

    intensity: Floats
    fraction: Floats
    volume: Floats

    def volume_at(self, fraction: float) -> float:
        """Find the largest share of the volume that has at least a fraction of the intensity.

        Args:
            fraction: γ, in [0, 1].
        """
        above = self.volume[self.fraction >= fraction - 1e-12]
        return float(above.max()) if len(above) else 0.0

    def intensity_at(self, volume: float) -> float:
        """Find the least intensity that at most a share of the volume has.

        Args:
            volume: ν, in [0, 1].
        """
        reached = self.intensity[self.volume <= volume + 1e-12]
        return float(reached.min() if len(reached) else self.intensity[-1])


@dataclass(**STRICT)
class IntensityVolumeHistogram(DefinedFamily):
    """Intensity–volume histogram (IBSI P88C).

    Attributes:
        bin_number: Bins over the region's range, for intensities without a unit; the features'
            intensities are then numbers of bins. Null for none.
        bin_width: Width of the bins, in intensity units; null for none. With neither, the
            histogram has a step at each whole number of the unit, as of CT.
        lowest: Intensity at γ = 0, such as the lower bound of a re-segmentation; null for the
            region's minimum.
        highest: Intensity at γ = 1; null for the region's maximum.
    """

    bin_number: Annotated[int, Field(ge=2, le=100_000)] | None
    bin_width: AboveZero | None
    lowest: float | None
    highest: float | None

    prefix: ClassVar[str] = "intensity_volume_histogram"

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if self.bin_number is not None and self.bin_width is not None:
            raise ValueError("give `bin_number` or `bin_width`, and set the other to null")
        return self

    def extract(self, batch: FeatureBatch) -> Floats:
        # A curve for each region.
        part = batch.cropped()
        inside = part.region("whole", self.prefix)  # first: it makes and drops a copy of its own
        images = part.intensities(self.prefix)
        curves = [
            self.curve(image.ravel() if region.all() else image[region])
            for image, region in zip(images, inside, strict=True)
        ]
        # Volumes and intensities at 10 and 90 %.
        volume_10, volume_90 = (
            np.array([curve.volume_at(share) for curve in curves]) for share in (0.1, 0.9)
        )
        intensity_10, intensity_90 = (
            np.array([curve.intensity_at(share) for curve in curves]) for share in (0.1, 0.9)
        )
        return self.in_order(
            {
                "volume_fraction_10": volume_10,
                "volume_fraction_90": volume_90,
                "intensity_10": intensity_10,
                "intensity_90": intensity_90,
                "volume_fraction_difference": volume_10 - volume_90,
                "intensity_difference": intensity_10 - intensity_90,
            }
        )

    def curve(self, values: Floats) -> VolumeCurve:
        """Compute the histogram of a region.

        Args:
            values: (m,) intensities.

        Raises:
            DataError: There would be more than a million steps.
        """
        # The range: stated, or the region's own.
        least, most = float(values.min()), float(values.max())
        low = least if self.lowest is None else self.lowest
        high = most if self.highest is None else self.highest
        step, floor = self.bin_width or 1.0, low
        if self.bin_number is not None:
            low, high = 1.0, float(self.bin_number)
        elif self.bin_width is not None:  # a bin stands for its middle
            low, high = low + step / 2, high - step / 2
        n_steps = (high - low) / step + 1
        # So many steps would fill the memory.
        if n_steps > _MAX_STEPS:
            raise refusal("features.too_many_steps", number=n_steps, step=step, most=_MAX_STEPS)
        # How many voxels reach each intensity, in pieces.
        number = max(1, round(n_steps))
        intensity = low + step * np.arange(number, dtype=np.float64)
        edges, reached = intensity - step * 1e-9, np.zeros(len(intensity) + 1, dtype=np.int64)
        for start in range(0, len(values), _PIECE):
            piece = values[start : start + _PIECE]
            # The number or the middle of a bin stands for the intensities in it. The product goes
            # before the quotient, as in `Discretisation`: edges then fall where its levels' do.
            if self.bin_number is not None:
                place = self.bin_number * (piece - least) / (most - least if most > least else 1.0)
                piece = 1.0 + np.minimum(np.floor(place), self.bin_number - 1)
            elif self.bin_width is not None:
                piece = floor + (np.floor((piece - floor) / step) + 0.5) * step
            places = np.searchsorted(edges, piece, side="right")
            reached += np.bincount(places, minlength=len(reached))
        # The share of voxels at or above each intensity.
        below = np.cumsum(reached)[:-1]
        fraction: Floats = np.zeros(len(intensity))
        if high > low:
            fraction = (intensity - low) / (high - low)
        return VolumeCurve(intensity, fraction, 1 - below / len(values))
