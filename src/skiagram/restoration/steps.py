"""Restoration as three steps in a fixed order, each of which can be switched off."""

from typing import NamedTuple

import numpy as np
from pydantic.dataclasses import dataclass

from skiagram.arrays import Singles
from skiagram.errors import refusal
from skiagram.images import Image
from skiagram.restoration.denoising import Denoising
from skiagram.restoration.missing import Mask, Missing, Plane, Planes, fill_locally
from skiagram.restoration.outliers import Outliers
from skiagram.restoration.regions import RegionPreparation
from skiagram.strict import STRICT

_VOLUMES = 5  # axes of a batch of them


class Treatment(NamedTuple):
    """What was done to one case; counts are of pixels, each channel and slice on its own."""

    missing: int  # found: filled, or left as NaN where filling is off
    outliers: int  # replaced, those on dead lines included
    dead_lines: int  # dead rows and columns among them
    noise: float  # deviation taken out, root mean square over channels or slices; NaN for none


@dataclass(**STRICT)
class Steps:
    """Missing pixels filled, then outliers replaced, then noise taken out.

    Each channel is a plane of its own, and so is each slice of a volume. Padding takes the lowest
    known value of a plane, or of a whole volume, and 0 where that is above it.

    Attributes:
        missing: How missing pixels are filled; None leaves them NaN.
        outliers: How outliers are found; None leaves them.
        denoising: How noise is taken out; None leaves it.
        region: What is done to an image and its region of interest afterwards; None leaves them.
    """

    missing: Missing | None
    outliers: Outliers | None
    denoising: Denoising | None
    region: RegionPreparation | None = None

    @property
    def needs_training_mean(self) -> bool:
        """Whether `restore` must be given the mean development image."""
        return self.missing is not None and self.missing.method == "training_mean"

    def restore(
        self, images: Image, training_mean: Plane | None = None
    ) -> tuple[Singles, tuple[Treatment, ...]]:
        """Restore equally sized images, each on its own: one by one gives the same.

        Args:
            images: (n, height, width[, channels]) or (n, depth, height, width, 1), of any depth;
                NaN, ±inf and what float32 cannot hold are missing.
            training_mean: Mean development image of an image's shape, where it is needed.
        """
        # A training mean must fit the images.
        mean = training_mean if self.needs_training_mean else None
        if self.needs_training_mean and (mean is None or mean.shape != images.shape[1:]):
            mean_shape = "none" if mean is None else str(mean.shape)
            raise refusal(
                "restoration.mean_of_other_size",
                shape=images.shape[1:],
                mean_shape=mean_shape,
            )
        # Channels and slices are planes, each on its own.
        planes = split_planes(images)
        missing: Mask = ~np.isfinite(planes)
        means = None if mean is None else split_planes(mean[None])
        slices = images.shape[1] if images.ndim == _VOLUMES else 1
        dark_of: dict[int, float] = {}
        for place in np.flatnonzero(missing.any(axis=(1, 2))).tolist():
            # the slices of the plane's volume, else the plane
            own = slice(place - place % slices, place - place % slices + slices)
            # Other slices tell what is dark, but not what lies in a slice.
            is_dark = self.missing is not None and self.missing.method == "lowest"
            if missing[own if is_dark else place].all():
                if not (self.missing or self.outliers or self.denoising):
                    continue  # a slice beside an organ that was cut out
                raise refusal("restoration.no_pixel")
            if self.missing:
                # Where padding surrounds the picture closely, all that is known may be bright.
                if own.start not in dark_of:  # once for all slices of a volume
                    least = np.min(planes[own], where=~missing[own], initial=0.0)
                    dark_of[own.start] = float(least)
                dark = dark_of[own.start]
                plane_mean = None if means is None else means[place % len(means)]
                planes[place] = self.missing.fill(planes[place], missing[place], dark, plane_mean)
            else:  # for the later steps' eyes only
                planes[place] = fill_locally(planes[place], missing[place], 1)
        # faulty pixels and lines, then noise; what nobody fills is missing again
        replaced = np.zeros((2, len(planes)), dtype=np.int64)
        if self.outliers:
            for number, plane in enumerate(planes):
                planes[number], faults = self.outliers.replace(plane, missing[number])
                replaced[:, number] = np.count_nonzero(faults.pixels), faults.lines
        outliers, dead_lines = replaced[0], replaced[1]
        gaps = missing.sum(axis=(1, 2))
        unfilled = None if self.missing else missing
        del missing  # a quarter of the planes' memory
        noise = np.full(len(planes), np.nan)
        if self.denoising:
            noise = self.denoising.denoise(planes)
        if unfilled is not None:
            planes[unfilled] = np.nan
        # What was done to each image, over all of its planes.
        shape = (len(images), -1)
        counts = [each.reshape(shape).sum(axis=1).tolist() for each in (gaps, outliers, dead_lines)]
        deviation = np.sqrt(np.square(noise).reshape(shape).mean(axis=1)).tolist()
        treatments = zip(*counts, deviation, strict=True)
        return join_planes(planes, images.shape), tuple(Treatment(*each) for each in treatments)


def split_planes(images: Image) -> Planes:
    """Return a copy, (n · planes, height, width), the planes of an image one after the other."""
    height, width = images.shape[-3:-1] if images.ndim == _VOLUMES else images.shape[1:3]
    by_plane = images
    if images.ndim != _VOLUMES:
        by_plane = np.moveaxis(images.reshape(len(images), height, width, -1), -1, 1)
    with np.errstate(over="ignore"):  # what float32 cannot hold is infinite, and so missing
        copied = np.array(by_plane, dtype=np.float32, order="C")
    return copied.reshape(-1, height, width)


def join_planes(planes: Planes, shape: tuple[int, ...]) -> Singles:
    """Return the images, of a shape, that `split_planes` took apart."""
    if len(shape) == _VOLUMES:
        return planes.reshape(shape)
    count, height, width = shape[:3]
    channels = planes.reshape(count, -1, height, width)
    return np.ascontiguousarray(np.moveaxis(channels, 1, -1)).reshape(shape)
