"""Preparation of a region of interest, in the order of the IBSI's manual (chapter 2).

Resampling, rounding, normalisation within the region, re-segmentation, cropping: each looks at one
image alone.
"""

from dataclasses import dataclass as record
from dataclasses import replace
from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from skiagram.errors import DataError
from skiagram.options import STRICT
from skiagram.restoration.resampling import Resampling

Floats = NDArray[np.float64]


@record(frozen=True)
class RegionOfInterest:
    """A volume with its region.

    Attributes:
        image: (depth, height, width), finite float64.
        outline: Of the same shape, true in the region as it was drawn (the IBSI's morphological
            mask), on which form is measured.
        inside: Of the same shape, what re-segmentation left of it (the intensity mask), on which
            intensities and texture are measured.
        spacing: Slice, row and column spacing, in mm.
    """

    image: Floats
    outline: NDArray[np.bool_]
    inside: NDArray[np.bool_]
    spacing: tuple[float, ...]


@dataclass(**STRICT)
class Resegmentation:
    """Which voxels of a region are left out by their intensity (IBSI section 2.6, IFBP).

    Attributes:
        lowest: Voxels below are left out, in intensity units; null keeps them.
        highest: Voxels above are left out, in intensity units; null keeps them.
        deviations: Voxels are left out that differ from the region's mean by more than as many
            standard deviations of the region (IBSI 7ACA: 3); null keeps them. With a range, mean
            and deviation are those of the voxels in it.
    """

    lowest: float | None
    highest: float | None
    deviations: Annotated[float, Field(gt=0)] | None

    @model_validator(mode="after")
    def _a_range(self) -> Self:
        if None not in (self.lowest, self.highest) and not self.lowest < self.highest:  # type: ignore[operator]
            raise ValueError("`lowest` must be below `highest`")
        return self

    def keep(self, image: Floats, inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return what is left of a region.

        Args:
            image: (depth, height, width).
            inside: Of the same shape, true in the region.

        Raises:
            DataError: No voxel is left.
        """
        low = -np.inf if self.lowest is None else self.lowest
        high = np.inf if self.highest is None else self.highest
        kept = inside & (image >= low) & (image <= high)
        if self.deviations is not None and kept.any():
            values = image[kept]
            reach = self.deviations * values.std()
            kept &= np.abs(image - values.mean()) <= reach
        if inside.any() and not kept.any():
            raise DataError(
                f"re-segmentation to {low:g}–{high:g} leaves no voxel of the region, whose "
                f"intensities are {image[inside].min():g} to {image[inside].max():g}",
                where="restoration",
                remedy="widen the range, or check the unit of the image",
            )
        return kept


@dataclass(**STRICT)
class Normalisation:
    """Intensities without a unit, such as those of MR, brought to the region's own scale.

    Attributes:
        mean: What the region's mean becomes.
        deviation: What the region's standard deviation becomes.
        deviations: Voxels that differ from the mean by more than as many standard deviations take
            no part in the scale, though they are scaled; null for all.
    """

    mean: float
    deviation: Annotated[float, Field(gt=0)]
    deviations: Annotated[float, Field(gt=0)] | None

    def normalise(self, image: Floats, inside: NDArray[np.bool_]) -> Floats:
        """Return the image on the scale of its region; a constant region becomes the mean.

        Args:
            image: (depth, height, width).
            inside: Of the same shape, at least one voxel.
        """
        values = image[inside]
        if self.deviations is not None:
            near = np.abs(values - values.mean()) <= self.deviations * values.std()
            values = values[near]
        spread = values.std()
        scale = self.deviation / spread if spread > 0 else 0.0
        scaled: Floats = (image - values.mean()) * scale + self.mean
        return scaled


@dataclass(**STRICT)
class RegionPreparation:
    """What is done to a volume and its region before features are computed, in this order.

    Attributes:
        resampling: To one spacing, or null.
        normalisation: Within the region, or null.
        resegmentation: By intensity, or null.
        margin: Distance around the region that is kept, in mm, for filters and peaks that look
            beyond it; null keeps all of the volume.
    """

    resampling: Resampling | None
    normalisation: Normalisation | None
    resegmentation: Resegmentation | None
    margin: Annotated[float, Field(ge=0)] | None

    def prepare(
        self, image: NDArray[Any], mask: NDArray[np.bool_], spacing: tuple[float, ...]
    ) -> RegionOfInterest:
        """Prepare one volume.

        Args:
            image: (depth, height, width), finite.
            mask: Of the same shape, true in the region.
            spacing: Slice, row and column spacing, in mm.

        Raises:
            DataError: The region has no voxel, before or after a step.
        """
        _check(mask, "as it was drawn")
        values = image.astype(np.float64)
        if self.resampling is not None:
            values, mask, spacing = self.resampling.resample(values, mask, spacing, self.margin)
            _check(mask, "at the new spacing: it is smaller than half a voxel")
        region = RegionOfInterest(values, mask, mask, spacing)
        if self.margin is not None:
            region = crop(region, self.margin)
        if self.normalisation is not None:
            scaled = self.normalisation.normalise(region.image, region.inside)
            region = replace(region, image=scaled)
        if self.resegmentation is not None:
            kept = self.resegmentation.keep(region.image, region.inside)
            region = replace(region, inside=kept)
        return region


def _check(mask: NDArray[np.bool_], when: str) -> None:
    if not mask.any():
        raise DataError(
            f"the region of interest has no voxel {when}",
            where="restoration",
            allowed="at least one voxel",
        )


def crop(region: RegionOfInterest, margin: float) -> RegionOfInterest:
    """Cut a volume to the box of its region and a margin, no copy.

    Args:
        region: At least one voxel.
        margin: In mm; whole voxels that it touches are kept.
    """
    box = []
    for axis, (size, spacing) in enumerate(zip(region.image.shape, region.spacing, strict=True)):
        others = tuple(other for other in range(3) if other != axis)
        places = np.flatnonzero(region.outline.any(axis=others))
        around = int(np.ceil(margin / spacing - 1e-9))
        box.append(slice(max(0, places[0] - around), min(size, places[-1] + around + 1)))
    inner = tuple(box)
    return RegionOfInterest(
        region.image[inner], region.outline[inner], region.inside[inner], region.spacing
    )
