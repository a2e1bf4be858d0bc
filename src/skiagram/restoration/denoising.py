"""Noise taken out by shrinking wavelet coefficients."""

import itertools
import math
from functools import partial
from typing import Annotated, Literal

import numpy as np
import pywt
from numpy.typing import NDArray
from pydantic import AfterValidator, Field
from pydantic.dataclasses import dataclass
from pydantic_core import PydanticCustomError

from skiagram.options import STRICT
from skiagram.restoration.contract import Planes
from skiagram.restoration.shifts import Scale, Shifted
from skiagram.restoration.shrinkage import (
    bayes_thresholds,
    median_magnitudes,
    shrink_hard,
    shrink_soft,
)
from skiagram.restoration.wavelets import decompose, reconstruct

_NORMAL_MEDIAN = 0.6745  # median of |z| for a standard normal z
_ROUNDING = 1e-6  # detail this small, relative to the image's range, is float32 rounding
_CHUNK_VALUES = 2**19  # pixels of the images that are transformed together


def _orthogonal(name: str) -> str:
    known = pywt.wavelist(kind="discrete")
    if name not in known or not pywt.Wavelet(name).orthogonal:
        raise PydanticCustomError(
            "wavelet",
            "an orthogonal wavelet of PyWavelets: haar, db1–db38, sym2–sym20, coif1–coif17, dmey",
        )
    return name


@dataclass(**STRICT)
class Denoising:
    """How wavelet coefficients are shrunk.

    Attributes:
        method: `BayesShrink` (Chang, Yu and Vetterli 2000, IEEE Trans. Image Process. 9:1532) has
            a threshold for each sub-band, `VisuShrink` (Donoho and Johnstone 1994, Biometrika
            81:425) one for all; the second is smoother.
        thresholding: `soft` shrinks what it keeps by the threshold, `hard` keeps it whole.
        wavelet: Orthogonal wavelet, by its name in PyWavelets.
        level: Levels of decomposition; images too small for it get fewer, down to none.
        noise: Standard deviation of the noise in intensity units; None to estimate it from each
            image.
        shifts: Cycle spinning (Coifman and Donoho 1995, Wavelets and Statistics, 125): the mean
            over all circular shifts of 0 to `shifts` pixels along both axes, which costs
            (shifts + 1)² times as much. 2^level − 1 takes every position of the wavelets' grid:
            translation-invariant but for the border.
    """

    method: Literal["BayesShrink", "VisuShrink"]
    thresholding: Literal["soft", "hard"]
    wavelet: Annotated[str, AfterValidator(_orthogonal)]
    level: Annotated[int, Field(ge=1)]
    noise: Annotated[float, Field(gt=0)] | None
    shifts: Annotated[int, Field(ge=0)]

    def denoise(
        self, planes: Planes, *, overwrite: bool = False
    ) -> tuple[Planes, NDArray[np.float64]]:
        """Return planes without their noise, and each noise's standard deviation.

        Args:
            planes: (n, height, width) float32, finite, C-contiguous.
            overwrite: The planes may be lost, which saves memory.

        Returns:
            (n, height, width) float32, and (n,) deviations in intensity units: NaN where the
            images are too small for a single level and stay as they are.
        """
        count, height, width = planes.shape
        wavelet = pywt.Wavelet(self.wavelet)
        level = min(self.level, pywt.dwt_max_level(min(height, width), wavelet))
        noise = np.full(count, math.nan)
        if level == 0:
            return planes, noise
        clean = planes if overwrite and not self.shifts else np.empty_like(planes)
        step = max(1, _CHUNK_VALUES // (height * width))
        for first in range(0, count, step):
            chunk = slice(first, first + step)
            noise[chunk] = self._denoise(planes[chunk], clean[chunk], wavelet, level)
        return clean, noise

    def _denoise(
        self, planes: Planes, clean: Planes, wavelet: pywt.Wavelet, level: int
    ) -> NDArray[np.float64]:
        _, height, width = planes.shape
        scale = Scale.of(planes)
        spread = scale.spread.astype(np.float64)
        noise = None if self.noise is None else self.noise / spread
        share = 1 / (self.shifts + 1) ** 2
        for down, right in itertools.product(range(self.shifts + 1), repeat=2):
            shifted = Shifted(planes, scale, -down % height, -right % width)
            found = decompose(shifted.read, planes.shape, wavelet, level)
            if noise is None:
                noise = estimate_noise(found.details[0][2])
            for band in itertools.chain.from_iterable(found.details):
                self._shrink(band.reshape(len(band), -1), noise, height * width)
            fresh = (down, right) == (0, 0)
            write = partial(shifted.add, total=clean, share=share, fresh=fresh)
            reconstruct(found, wavelet, write)
        assert noise is not None  # noqa: S101 there always is a first shift
        return noise * spread

    def _shrink(self, bands: NDArray[np.float32], noise: NDArray[np.float64], pixels: int) -> None:
        if self.method == "BayesShrink":
            thresholds = bayes_thresholds(bands, noise)
        else:
            thresholds = universal_thresholds(noise, pixels)
        (shrink_soft if self.thresholding == "soft" else shrink_hard)(bands, thresholds)


def estimate_noise(diagonal: Planes) -> NDArray[np.float64]:
    """Estimate the standard deviation of white noise by the robust median rule.

    Coefficients of exactly plain areas, such as a black surround, hold no noise and are left out.

    Args:
        diagonal: (n, height, width) finest diagonal detail of images scaled to [-1, 1].

    Returns:
        (n,) deviations; 0 for a plain image.
    """
    return median_magnitudes(diagonal.reshape(len(diagonal), -1), _ROUNDING) / _NORMAL_MEDIAN


def universal_thresholds(noise: NDArray[np.float64], pixels: int) -> NDArray[np.float64]:
    """Return noise · √(2 ln n).

    Args:
        noise: Standard deviation of each image's noise.
        pixels: Number n of pixels of an image.
    """
    return noise * math.sqrt(2 * math.log(pixels))
