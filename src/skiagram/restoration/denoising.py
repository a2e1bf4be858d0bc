"""Noise taken out by shrinking wavelet coefficients."""

import math
from typing import Annotated, Literal

import numpy as np
import pywt
from numpy.typing import NDArray
from pydantic import AfterValidator, Field
from pydantic.dataclasses import dataclass
from pydantic_core import PydanticCustomError

from skiagram.options import STRICT
from skiagram.restoration.contract import Plane

_NORMAL_MEDIAN = 0.6745  # median of |z| for a standard normal z
_ROUNDING = 1e-6  # detail this small, relative to the image's range, is float32 rounding


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
    """

    method: Literal["BayesShrink", "VisuShrink"]
    thresholding: Literal["soft", "hard"]
    wavelet: Annotated[str, AfterValidator(_orthogonal)]
    level: Annotated[int, Field(ge=1)]
    noise: Annotated[float, Field(gt=0)] | None

    def denoise(self, plane: Plane) -> tuple[Plane, float]:
        """Return the plane without its noise, and the noise's standard deviation.

        Args:
            plane: (height, width) float32, finite.

        Returns:
            (height, width) float32, and the deviation in intensity units: NaN where the image is
            too small for a single level and stays as it is.
        """
        wavelet = pywt.Wavelet(self.wavelet)
        level = min(self.level, pywt.dwt_max_level(min(plane.shape), wavelet))
        if level == 0:
            return plane, math.nan
        lowest, highest = float(plane.min()), float(plane.max())
        centre, spread = (lowest + highest) / 2, (highest - lowest) / 2
        if spread == 0:
            return plane, self.noise or 0.0
        coarse, *details = pywt.wavedec2((plane - centre) / spread, wavelet, level=level)
        noise = self.noise / spread if self.noise else estimate_noise(details[-1][2])
        shrunk = [
            tuple(self._shrink(band, noise, plane.size) for band in bands) for bands in details
        ]
        height, width = plane.shape
        clean = pywt.waverec2([coarse, *shrunk], wavelet)[:height, :width]
        return clean * spread + centre, noise * spread

    def _shrink(self, band: Plane, noise: float, pixels: int) -> Plane:
        if self.method == "BayesShrink":
            threshold = bayes_threshold(band, noise)
        else:
            threshold = universal_threshold(noise, pixels)
        if self.thresholding == "soft":
            return band - np.clip(band, -threshold, threshold)
        return np.where(np.abs(band) > threshold, band, np.float32(0))


def estimate_noise(diagonal: NDArray[np.float32]) -> float:
    """Estimate the standard deviation of white noise by the robust median rule.

    Coefficients of exactly plain areas, such as a black surround, hold no noise and are left out.

    Args:
        diagonal: Finest diagonal detail of an image scaled to [-1, 1].
    """
    magnitude = np.abs(diagonal)
    magnitude = magnitude[magnitude > _ROUNDING]
    return float(np.median(magnitude)) / _NORMAL_MEDIAN if len(magnitude) else 0.0


def bayes_threshold(band: NDArray[np.float32], noise: float) -> float:
    """Return noise² / σ_signal, or the largest coefficient where no signal is left.

    Args:
        band: Coefficients of one sub-band.
        noise: Standard deviation of the noise in the same units.
    """
    signal = float(np.mean(np.square(band), dtype=np.float64)) - noise**2
    if signal <= 0:
        return float(np.abs(band).max())
    return noise**2 / math.sqrt(signal)


def universal_threshold(noise: float, pixels: int) -> float:
    """Return noise · √(2 ln n).

    Args:
        noise: Standard deviation of the noise.
        pixels: Number n of pixels of the image.
    """
    return noise * math.sqrt(2 * math.log(pixels))
