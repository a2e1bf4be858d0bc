"""Features of slightly changed copies of each image.

Rotation, shift, noise, a larger or smaller region and a contour drawn anew along supervoxels stand
in for a second scan and a second reader (Zwanenburg et al. 2019, Scientific Reports 9:614). How far
a feature is repeatable under them is the matter of `repeatability`. No label is read.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any

import numpy as np
import pywt
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass
from scipy import ndimage

from skiagram.arrays import Flags, Floats
from skiagram.features.batch import FeatureBatch
from skiagram.features.filtered import DerivedImageFamily
from skiagram.seeding import stream
from skiagram.strict import STRICT, ShareBelowOne, TwoOrMore, ZeroOrMore

_NORMAL_MAD = 0.6744897501960817  # median absolute deviation of a standard normal variable
_SURE, _NEVER = 0.9, 0.2  # share of a supervoxel in the region: always kept, never kept
_COMPACTNESS = 0.05  # of supervoxels; intensities run from 0 to 1


@dataclass(**STRICT)
class Perturbation:
    """How a copy of an image and of its region may differ, each drawn anew for every copy.

    Attributes:
        rotation: Largest rotation within the plane, either way, degrees.
        shift: Largest shift along each axis, either way, in pixels; below 1 only the sampling of
            the image changes.
        noise: Standard deviation of the noise added, as a multiple of the image's own.
        volume: Largest share by which the region grows or shrinks.
        supervoxel: Voxels of a supervoxel, along which the contour is drawn anew; null leaves it.
    """

    rotation: Annotated[float, Field(ge=0, le=45)]
    shift: Annotated[float, Field(ge=0, le=10)]
    noise: Annotated[float, Field(ge=0, le=10)]
    volume: ShareBelowOne
    supervoxel: TwoOrMore | None

    def apply(
        self,
        image: NDArray[Any],
        inside: Flags | None,
        spacing: Sequence[float],
        generator: np.random.Generator,
    ) -> tuple[Floats, Flags | None]:
        """Make a changed image and its changed region, which is never empty.

        Args:
            image: (depth, height, width) of any depth, finite.
            inside: Of the same shape, the region; None for the whole image, which has no contour.
            spacing: Row and column spacing; their ratio counts alone.
            generator: Draws how the copy differs.

        Returns:
            Of the same shape, float64; and the region, None where there was none.
        """
        # All numbers are drawn before anything is changed.
        sigma = self.noise * noise_level(image)
        angle = np.deg2rad(generator.uniform(-self.rotation, self.rotation))
        shift = generator.uniform(-self.shift, self.shift, 3)
        change = generator.uniform(-self.volume, self.volume)
        region = inside
        # Moved, with its region.
        if self.rotation or self.shift:
            moved = _moved(image, angle, shift, spacing)
            if inside is not None:
                region = _moved(inside.astype(np.float32), angle, shift, spacing) >= 0.5
        else:
            moved = image.astype(np.float64)
        # Noise of the image's own level.
        if sigma:
            pixels = moved.reshape(-1)
            for begin in range(0, len(pixels), _AT_ONCE):
                part = pixels[begin : begin + _AT_ONCE]
                part += sigma * generator.standard_normal(len(part))
        # Without a region, or where it has left the image, only the image is changed.
        if inside is None or region is None or not region.any():
            return moved, inside
        if change:
            # grown or shrunk by a share of its size, voxels of one distance at random
            size = round(region.sum() * (1 + change))
            size = min(max(size, 1), region.size)
            distance = ndimage.distance_transform_edt(~region)
            distance -= ndimage.distance_transform_edt(region)
            order = np.lexsort((generator.random(region.size), distance.ravel()))
            resized = np.zeros(region.size, dtype=np.bool_)
            resized[order[:size]] = True
            region = resized.reshape(region.shape)
        # Borders that follow the image instead of the pen.
        if self.supervoxel is not None:
            region = _redrawn(moved, region, self.supervoxel, generator)
        return moved, region


_AT_ONCE = 2**16  # pixels that noise is drawn for, so that it takes no image's memory


def noise_level(image: NDArray[Any]) -> float:
    """Estimate the standard deviation of an image's noise from its finest diagonal wavelets.

    Donoho and Johnstone 1994, Biometrika 81(3): the median absolute value in each slice, the median
    over slices.

    Args:
        image: (depth, height, width), finite.

    Returns:
        In the unit of the intensities; 0 where an image has a side of one pixel.
    """
    if min(image.shape[1:]) < 2:
        return 0.0
    medians = []
    for plane in image:  # no other wavelets are held than the diagonal ones, as by `pywt.dwt2`
        rows = pywt.dwt(plane.astype(np.float64), "db2", axis=0)[1]
        medians.append(np.median(np.abs(pywt.dwt(rows, "db2", axis=1)[1])))
    return float(np.median(medians) / _NORMAL_MAD)


def _moved(image: NDArray[Any], angle: float, shift: Floats, spacing: Sequence[float]) -> Floats:
    """Rotate an image about its centre within the plane, then shift it; edges are repeated.

    Args:
        image: (depth, height, width).
        angle: Radians.
        shift: (3,) voxels.
        spacing: Of rows and columns.
    """
    # A rotation in mm, so that it keeps angles where pixels are no squares.
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    scale = np.diag(spacing)
    matrix = np.eye(3)
    matrix[1:, 1:] = np.linalg.inv(scale) @ turn @ scale
    # Along an axis of one slice nothing can be shifted.
    along = np.where(np.array(image.shape) > 1, shift, 0.0)
    centre = (np.array(image.shape) - 1) / 2
    offset = centre - matrix @ (centre + along)
    return ndimage.affine_transform(
        image, matrix, offset, output=np.float64, order=1, mode="nearest"
    )


def _redrawn(image: Floats, region: Flags, size: int, generator: np.random.Generator) -> Flags:
    """Draw a region made of whole supervoxels, each in it as likely as it lay in the region.

    Args:
        image: (depth, height, width), as it was changed.
        region: Of the same shape, not empty.
        size: Voxels of a supervoxel.
        generator: Draws which ones are kept.

    Returns:
        The region itself where none would be kept.
    """
    from skimage.segmentation import slic  # of projects alone, and long to import

    # The region with one supervoxel around it.
    box = ndimage.find_objects(region.astype(np.uint8))[0]
    margin = max(1, round(size ** (1 / 3)))
    box = tuple(slice(max(0, side.start - margin), side.stop + margin) for side in box)
    part, inside = image[box], region[box]
    # Supervoxels of about the asked size.
    spread = float(np.ptp(part))
    scaled = (part - part.min()) / spread if spread else np.zeros_like(part)
    count = max(2, part.size // size)
    labels = slic(scaled, count, compactness=_COMPACTNESS, channel_axis=None, start_label=0)
    # The share of each in the region decides, by chance where it is neither most nor little.
    total = np.bincount(labels.ravel())
    share = np.bincount(labels.ravel(), weights=inside.ravel().astype(np.float64)) / total
    draw = generator.random(len(share))
    retained = (share >= _SURE) | ((share >= _NEVER) & (draw < share))
    if not retained.any():
        return region
    redrawn = np.zeros_like(region)
    redrawn[box] = retained[labels]
    return redrawn


@dataclass(**STRICT)
class Perturbed(DerivedImageFamily):
    """Families of features on changed copies of each image; features of no model.

    Columns are `<name>_<copy>.<column of the family>`, copies counted from 1. A model with
    `lasting` drops the features that these columns show to change. What a copy looks like depends
    on the seed and on the image itself.

    Attributes:
        name: Begins with `perturbed`.
        copies: Of each image.
        perturbation: How they differ.
        seed: Of the draws.
    """

    name: Annotated[str, Field(pattern="^perturbed(_[a-z]+)*$")]
    copies: Annotated[int, Field(ge=2, le=100)]
    perturbation: Perturbation
    seed: ZeroOrMore

    @property
    def prefixes(self) -> tuple[str, ...]:
        """The name of each copy, for example `perturbed_1`."""
        return tuple(f"{self.name}_{copy + 1}" for copy in range(self.copies))

    def reach(self, spacing: Floats) -> Floats:
        """The level of the noise is that of the whole image."""
        return spacing * np.inf

    def extract(self, batch: FeatureBatch) -> Floats:
        """Compute the features of the copies of n images or volumes.

        Returns:
            (n, copies · n_features) float64, finite.
        """
        copies = (self.perturb(batch, copy) for copy in range(self.copies))  # one at a time
        return np.hstack([self._describe(copy) for copy in copies])

    def perturb(self, batch: FeatureBatch, copy: int) -> FeatureBatch:
        """Make one changed copy of each image, with its region.

        Args:
            batch: Images.
            copy: Number of the copy, from 0.

        Returns:
            Of the same size; the outline is the drawn one, without what re-segmentation left out.
        """
        # The copies of the batch, with masks and outlines where it has them.
        images = np.empty(batch.images.shape, dtype=np.float32)
        masks = None if batch.masks is None else np.empty(batch.masks.shape, dtype=np.bool_)
        outlines = None if batch.outlines is None else np.empty_like(batch.outlines)
        sides = np.ones((len(batch), 2)) if batch.spacing is None else batch.spacing[:, -2:]
        for row in range(len(batch)):
            # The stream is named by the image, so that a case has equal copies in every batch.
            single = batch.row(row)
            digest = hashlib.sha256(single.images.tobytes()).hexdigest()
            name = ("perturbed", self.name, copy, digest)
            shape = single.images.shape[1:4] if batch.volumes else (1, *single.images.shape[1:3])
            channels = single.images.reshape(*shape, -1)
            form = None if single.forms is None else single.forms.reshape(shape)
            spacing = np.nan_to_num(sides[row], nan=1.0).tolist()
            region = form
            for channel in range(channels.shape[-1]):  # one stream: all channels move alike
                generator = stream(self.seed, *name)
                image, region = self.perturbation.apply(
                    channels[..., channel], form, spacing, generator
                )
                images[row].reshape(channels.shape)[..., channel] = image
            if masks is None or region is None or single.masks is None:
                continue
            masks[row] = region.reshape(masks.shape[1:])
            if outlines is not None and single.outlines is not None:
                outlines[row] = masks[row]
                masks[row] &= ~(
                    single.outlines[0] & ~single.masks[0]
                )  # what re-segmentation left out
                masks[row] |= outlines[row] & ~masks[row].any()
        return replace(batch, images=images, masks=masks, outlines=outlines)
