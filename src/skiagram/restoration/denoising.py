"""Noise taken out by shrinking wavelet coefficients, in one or several positions of their grid."""

import itertools
import math
from typing import Annotated, Literal

import numpy as np
import pywt
from pydantic import AfterValidator
from pydantic.dataclasses import dataclass
from pydantic_core import PydanticCustomError

from skiagram.arrays import Floats
from skiagram.restoration.missing import Planes
from skiagram.strict import STRICT, AboveZero, OneOrMore, ZeroOrMore

_NORMAL_MEDIAN = 0.6745  # median of |z| for a standard normal z
_ROUNDING = 1e-6  # detail this small, relative to the image's range, is float32 rounding
_CHUNK_VALUES = 2**19  # pixels of the images that are transformed together
_SMALLEST = 1e-37  # float32 holds its reciprocal
_AXES = (-1, -2)


def _orthogonal(name: str) -> str:
    wavelets = pywt.wavelist(kind="discrete")
    if name not in wavelets or not pywt.Wavelet(name).orthogonal:
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
    level: OneOrMore
    noise: AboveZero | None
    shifts: ZeroOrMore

    def denoise(self, planes: Planes) -> Floats:
        """Take the noise out of finite planes, in place; beyond their border they are mirrored.

        Return (n,) its standard deviation, in intensity units: NaN where the images are too small
        for a single level and stay as they are.
        """
        count, height, width = planes.shape
        level = pywt.dwt_max_level(min(height, width), pywt.Wavelet(self.wavelet))
        noise = np.full(count, math.nan)
        step = max(1, _CHUNK_VALUES // (height * width))
        for first in range(0, count if level > 0 else 0, step):
            chunk = slice(first, first + step)
            noise[chunk] = self._denoise(planes[chunk], min(self.level, level))
        return noise

    def _denoise(self, planes: Planes, level: int) -> Floats:
        """Denoise in place; scaled to [−1, 1], coefficients lose few digits."""
        _, height, width = planes.shape
        # middle and half of each image's range; half is 1 if about 0
        lowest, highest = (
            extreme(planes, axis=(1, 2), keepdims=True).astype(np.float64)
            for extreme in (np.min, np.max)
        )
        half = (highest - lowest) / 2
        half[half < _SMALLEST] = 1
        centre, spread = ((lowest + highest) / 2).astype(np.float32), half.astype(np.float32)
        noise = None if self.noise is None else self.noise / spread.ravel().astype(np.float64)
        scaled = planes - centre
        scaled *= 1 / spread
        gain = spread * np.float32(1 / (self.shifts + 1) ** 2)
        # The mean over shifts: a wavelet's own grid leaves traces in a single one.
        planes[:] = centre
        for shift in itertools.product(range(self.shifts + 1), repeat=2):
            shifted = np.roll(scaled, shift, (1, 2)) if any(shift) else scaled
            first, *bands = pywt.wavedec2(shifted, self.wavelet, level=level, axes=_AXES)
            if noise is None:
                noise = estimate_noise(bands[-1][2])
            for band in itertools.chain.from_iterable(bands):
                # coefficients up to the threshold become 0; if soft, the others come nearer
                if self.method == "BayesShrink":  # noise² / σ_signal; infinite without signal
                    energy = np.einsum("nij,nij->n", band, band, dtype=np.float64) / band[0].size
                    signal = np.maximum(energy - noise**2, 0)
                    infinite = np.full(len(noise), np.inf)
                    thresholds = np.divide(
                        noise**2, np.sqrt(signal), out=infinite, where=signal > 0
                    )
                else:  # the universal threshold
                    thresholds = noise * math.sqrt(2 * math.log(height * width))
                limit = thresholds.astype(np.float32)[:, None, None]
                if self.thresholding == "soft":
                    band -= np.clip(band, -limit, limit)
                else:
                    band[np.abs(band) <= limit] = 0
            clean = pywt.waverec2([first, *bands], self.wavelet, axes=_AXES)[:, :height, :width]
            clean *= gain
            planes += np.roll(clean, (-shift[0], -shift[1]), (1, 2)) if any(shift) else clean
        assert noise is not None  # noqa: S101 there always is a first shift
        deviations: Floats = noise * spread.ravel()
        return deviations


def estimate_noise(diagonal: Planes) -> Floats:
    """Return (n,) standard deviations of white noise by the robust median rule; 0 for plain images.

    Coefficients of exactly plain areas, such as a black surround, hold no noise and are left out.

    Args:
        diagonal: (n, height, width) finest diagonal detail of images scaled to [−1, 1].
    """
    noise = np.zeros(len(diagonal))
    for image, magnitude in enumerate(np.abs(diagonal)):
        above = magnitude[magnitude > _ROUNDING]
        noise[image] = np.median(above) if len(above) else 0
    return noise / _NORMAL_MEDIAN
