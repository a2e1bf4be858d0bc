"""Restoration as three steps in a fixed order, each of which can be switched off."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from skiagram.errors import DataError
from skiagram.options import STRICT
from skiagram.restoration.contract import Mask, Plane, Treatment
from skiagram.restoration.denoising import Denoising
from skiagram.restoration.missing import Missing, fill_local_median
from skiagram.restoration.outliers import Outliers
from skiagram.store import Image


@dataclass(**STRICT)
class Steps:
    """Missing pixels filled, then outliers replaced, then noise taken out, channel by channel.

    Attributes:
        missing: How missing pixels are filled; None leaves them NaN.
        outliers: How outliers are found; None leaves them.
        denoising: How noise is taken out; None leaves it.
    """

    missing: Missing | None
    outliers: Outliers | None
    denoising: Denoising | None

    @property
    def needs_training_mean(self) -> bool:
        """Whether `restore` must be given the mean development image."""
        return self.missing is not None and self.missing.method == "training_mean"

    def restore(
        self, image: Image, training_mean: Plane | None = None
    ) -> tuple[NDArray[np.float32], Treatment]:
        """Restore one image.

        Args:
            image: (height, width[, channels]) of any stored depth; NaN and ±inf are missing.
            training_mean: Mean development image of the same shape, where it is needed.

        Returns:
            The restored image, same shape, float32, and what was done.

        Raises:
            DataError: No pixel of a channel is known, or the mean image is of another size.
        """
        mean = self._usable(training_mean, image.shape)
        channels = _channels(image)
        means = [None] * len(channels) if mean is None else _channels(mean)
        pairs = zip(channels, means, strict=True)
        planes, treatments = zip(*(self._restore(*pair) for pair in pairs), strict=True)
        restored = planes[0] if image.ndim == 2 else np.stack(planes, axis=-1)
        return restored, _summed(treatments)

    def _usable(self, training_mean: Plane | None, shape: tuple[int, ...]) -> Plane | None:
        if not self.needs_training_mean:
            return None
        if training_mean is None or training_mean.shape != shape:
            known = "none" if training_mean is None else str(training_mean.shape)
            raise DataError(
                f"an image of shape {shape}, a training mean of {known}",
                allowed="`missing.method: training_mean` on images of one size",
                remedy="choose local_mean, local_median or nearest",
            )
        return training_mean

    def _restore(self, channel: Image, training_mean: Plane | None) -> tuple[Plane, Treatment]:
        plane = channel.astype(np.float32)
        missing: Mask = ~np.isfinite(plane)
        if missing.any():
            plane = self._fill(plane, missing, training_mean)
        lines, outliers, noise = 0, 0, math.nan
        if self.outliers:
            plane, faults = self.outliers.replace(plane, missing)
            outliers, lines = int(faults.pixels.sum()), faults.lines
        if self.denoising:
            plane, noise = self.denoising.denoise(plane)
        if not self.missing:
            plane = np.where(missing, np.float32(np.nan), plane)
        return plane, Treatment(int(missing.sum()), outliers, lines, noise)

    def _fill(self, plane: Plane, missing: Mask, training_mean: Plane | None) -> Plane:
        if missing.all():
            raise DataError(
                "every pixel is missing",
                allowed="at least one known pixel in each channel",
                remedy="remove the image from the source",
            )
        if self.missing:
            return self.missing.fill(plane, missing, training_mean)
        return fill_local_median(plane, missing, 1)  # for the later steps' eyes only


def _channels(image: Image) -> list[Image]:
    return [image] if image.ndim == 2 else list(np.moveaxis(image, -1, 0))


def _summed(treatments: Sequence[Treatment]) -> Treatment:
    noise = [treatment.noise for treatment in treatments]
    return Treatment(
        missing=sum(treatment.missing for treatment in treatments),
        outliers=sum(treatment.outliers for treatment in treatments),
        dead_lines=sum(treatment.dead_lines for treatment in treatments),
        noise=math.sqrt(sum(value**2 for value in noise) / len(noise)),
    )
