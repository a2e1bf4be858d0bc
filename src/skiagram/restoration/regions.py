"""Preparation of a region of interest, in the order of the IBSI's manual (chapter 2).

Resampling, rounding, normalisation within the region, re-segmentation, cropping: each looks at one
image alone. The new grid of a resampling (section 2.4) is aligned with the old one by their centres
(IBSI 3WE3), and grids are parallel, so that each axis is interpolated by itself.
"""

import math
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator
from pydantic.dataclasses import dataclass

from skiagram.arrays import Flags, Floats
from skiagram.errors import refusal
from skiagram.images import box_around, complete_beyond, ends_of
from skiagram.interpolation import REACH, Interpolation, interpolate, new_places
from skiagram.strict import STRICT, AboveZero, FromZero, ShareAboveZero


@dataclass(**STRICT)
class Resampling:
    """How a volume and its region are brought to one spacing.

    Where voxels grow much larger, linear and cubic interpolation skip voxels and fold fine texture
    into coarse one; the IBSI's reference values, and so this, have no filter against that.

    Attributes:
        spacing: Slice, row and column spacing wanted, in mm; null leaves an axis as it is. Slices
            lie along the axis whose present spacing differs from two equal ones: in a sagittal
            series from left to right.
        order: `nearest`, `linear` or `cubic` interpolation of the intensities.
        rounding: Whether intensities are rounded to whole numbers afterwards, as the unit of CT is.
        threshold: A new voxel is in the region where the linearly interpolated mask is as high.
    """

    spacing: tuple[
        AboveZero | None,
        AboveZero | None,
        AboveZero | None,
    ]
    order: Interpolation
    rounding: bool
    threshold: ShareAboveZero = 0.5

    def resample(
        self,
        image: NDArray[Any],
        mask: Flags,
        spacing: tuple[float, ...],
        margin: float | None = None,
    ) -> tuple[Floats, Flags, tuple[float, ...]]:
        """Return a volume and its region at the new spacing.

        Args:
            image: (depth, height, width), finite.
            margin: Distance around the region that is kept, in mm; None keeps all of the volume.
                The work then grows with the region, and the values are those of the whole volume
                (of a spline: to a millionth of the range).
        """
        # The wanted spacing, its slice axis in the place of the volume's.
        wanted = [*self.spacing]
        wanted.insert(find_slice_axis(image.shape, spacing), wanted.pop(0))
        new_spacing = tuple(new or present for new, present in zip(wanted, spacing, strict=True))
        # Places of the new voxels on the old grid.
        axes = [
            np.arange(float(size)) if new is None else new_places(size, present, new)
            for size, present, new in zip(image.shape, spacing, wanted, strict=True)
        ]
        if margin is not None:
            # old volume and new grid are cut to what lies near the region
            box, near_axes = [], []
            sides = zip(image.shape, spacing, axes, ends_of(mask), strict=True)
            for size, present, new, (first, stop) in sides:
                near = np.abs(new - np.clip(new, first - 1, stop)) <= margin / present
                chosen = new[near] if near.any() else new
                start = max(0, int(np.floor(min(chosen[0], first))) - REACH)
                end = min(size, int(np.ceil(max(chosen[-1], stop - 1))) + REACH + 1)
                box.append(slice(start, end))
                near_axes.append(chosen - start)
            image, mask, axes = image[tuple(box)], mask[tuple(box)], near_axes
        # Intensities, then the region as the share of it in each voxel.
        values = interpolate(image, axes, self.order)
        if self.rounding:
            values = np.rint(values)
        # A hair below, since sums of exact halves may miss by a rounding.
        region = interpolate(mask, axes, "linear") >= self.threshold - 1e-9
        return values, region, new_spacing


def find_slice_axis(shape: tuple[int, ...], spacing: tuple[float, ...]) -> int:
    """Find the axis along which the slices of a volume lie; axes themselves are the patient's.

    Pixels of a slice are square, so it is the axis whose spacing differs from two equal ones; else
    the first one.
    """
    slices, rows, columns = spacing
    if shape[0] > 1 and not math.isclose(rows, columns, rel_tol=0.01):
        if math.isclose(slices, columns, rel_tol=0.01):
            return 1
        if math.isclose(slices, rows, rel_tol=0.01):
            return 2
    return 0


class RegionOfInterest(NamedTuple):
    """A volume with its region.

    Attributes:
        image: (depth, height, width), finite float64.
        outline: The region as it was drawn (the IBSI's morphological mask), on which form is
            measured.
        inside: What re-segmentation left of it (the intensity mask), on which intensities and
            texture are measured.
        spacing: Slice, row and column spacing, in mm.
    """

    image: Floats
    outline: Flags
    inside: Flags
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
    deviations: AboveZero | None

    @model_validator(mode="after")
    def _a_range(self) -> Self:
        if None not in (self.lowest, self.highest) and not self.lowest < self.highest:  # type: ignore[operator]
            raise ValueError("`lowest` must be below `highest`")
        return self

    def keep(self, image: Floats, inside: Flags) -> Flags:
        """Leave out of a region what lies outside the range, or far from its mean.

        Args:
            image: (depth, height, width).
            inside: Of the same shape, the region.

        Raises:
            DataError: Nothing is left.
        """
        # Bounds first, then deviations from the mean of what is left.
        low = -np.inf if self.lowest is None else self.lowest
        high = np.inf if self.highest is None else self.highest
        selected = inside & (image >= low) & (image <= high)
        if self.deviations is not None and selected.any():
            values = image[selected]
            reach = self.deviations * values.std()
            selected &= np.abs(image - values.mean()) <= reach
        if inside.any() and not selected.any():
            raise refusal(
                "restoration.nothing_left",
                low=low,
                high=high,
                least=image[inside].min(),
                greatest=image[inside].max(),
            )
        return selected


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
    deviation: AboveZero
    deviations: AboveZero | None

    def normalise(self, image: Floats, inside: Flags) -> Floats:
        """Return the image on the scale of its region; a constant region becomes the mean."""
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
    margin: FromZero | None

    def prepare(
        self, image: NDArray[Any], mask: Flags, spacing: tuple[float, ...]
    ) -> RegionOfInterest:
        """Prepare a volume; a region without a voxel, in any step, is a DataError.

        A voxel that is missing in what is kept around the region is one, too.
        """
        _check(mask, "as it was drawn")
        # voxels that are missing far from the region get a value
        around = self._voxels_around(image.shape, spacing)
        looked_at = box_around(mask, [voxels + REACH + 2 for voxels in around])
        values = complete_beyond(image, mask, around, looked_at).astype(np.float64)
        if self.resampling is not None:
            values, mask, spacing = self.resampling.resample(values, mask, spacing, self.margin)
            _check(mask, "at the new spacing: it is smaller than half a voxel")
        # cut to the region and its margin, in whole voxels, no copy
        box = box_around(mask, self._voxels_around(mask.shape, spacing))
        values, outline = values[box], mask[box]
        if self.normalisation is not None:
            values = self.normalisation.normalise(values, outline)
        inside = outline
        if self.resegmentation is not None:
            inside = self.resegmentation.keep(values, outline)
        return RegionOfInterest(values, outline, inside, spacing)

    def _voxels_around(self, shape: tuple[int, ...], spacing: tuple[float, ...]) -> list[int]:
        """Count how many voxels around the region are kept along each axis."""
        if self.margin is None:
            return list(shape)
        return [math.ceil(self.margin / distance - 1e-9) for distance in spacing]


def _check(mask: Flags, when: str) -> None:
    if not mask.any():
        raise refusal("restoration.empty_region", when=when)
