"""Noise taken out by shrinking wavelet coefficients, in one position of their grid or in several.

Transforms are PyWavelets', block by block: it follows one column after the other through the whole
plane. A block that stays in the processor's cache makes this several times as fast, and lets each
half be freed when it is used up: a transform and its inverse hold one and a half times their input.

Compiled functions take one row per band of one image.
"""

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass as record
from functools import partial
from typing import Annotated, Literal, Self

import numpy as np
import pywt
from numpy.typing import NDArray
from pydantic import AfterValidator, Field
from pydantic.dataclasses import dataclass
from pydantic_core import PydanticCustomError

from skiagram.compute.compiled import compiled
from skiagram.options import STRICT
from skiagram.restoration.contract import Planes
from skiagram.restoration.medians import median_magnitudes

_BLOCK_VALUES = 2**17  # of one plane; PyWavelets takes one plane after the other

Read = Callable[[int, int], Planes]
Write = Callable[[Planes, int], None]


@record(frozen=True)
class Coefficients:
    """A decomposition; its details are freed while it is put together again.

    Attributes:
        approximation: (n, h, w) float32, what is left after the last level.
        details: A list a level, the finest first: details along columns, along rows and along
            both (the diagonal), each (n, h, w) float32.
        shapes: Shape of the planes that each level came from.
    """

    approximation: Planes
    details: list[list[Planes]]
    shapes: list[tuple[int, int, int]]


def decompose(
    read: Read, shape: tuple[int, int, int], wavelet: pywt.Wavelet, level: int
) -> Coefficients:
    """Split planes into wavelet coefficients; beyond their border the planes are mirrored.

    Args:
        read: Gives (n, last − first, width) float32 for the rows from `first` to before `last`.
        shape: (n, height, width).
        wavelet: Wavelet of PyWavelets.
        level: Number of levels.

    Returns:
        The coefficients of `pywt.wavedec2(..., mode="symmetric")` along the last two axes.
    """
    details, shapes = [], []
    for _ in range(level):
        shapes.append(shape)
        approximation, bands = _split(read, shape, wavelet)
        details.append(bands)
        read, shape = _rows_of(approximation), approximation.shape
    return Coefficients(approximation, details, shapes)


def reconstruct(coefficients: Coefficients, wavelet: pywt.Wavelet, write: Write) -> None:
    """Put planes together again.

    Args:
        coefficients: What `decompose` returned; its details are used up.
        wavelet: The same wavelet.
        write: Takes (n, m, ≥ width) float32 and the number of the first of these rows; what is
            beyond the width is to be left out.
    """
    planes = coefficients.approximation
    while coefficients.details:
        shape = coefficients.shapes.pop()
        along_columns, along_rows, diagonal = coefficients.details.pop()
        height, width = along_columns.shape[1:]
        low = _merged_columns(planes[:, :height, :width], along_columns, shape[1], wavelet)
        del planes, along_columns
        high = _merged_columns(along_rows, diagonal, shape[1], wavelet)
        del along_rows, diagonal
        if coefficients.details:
            planes = np.empty(shape, dtype=np.float32)
            _merge_rows(low, high, shape[2], wavelet, _into_rows_of(planes))
        else:
            _merge_rows(low, high, shape[2], wavelet, write)
        del low, high  # the next level has its own


def _split(
    read: Read, shape: tuple[int, int, int], wavelet: pywt.Wavelet
) -> tuple[Planes, list[Planes]]:
    low, high = _split_rows(read, shape, wavelet)
    approximation, along_columns = _split_columns(low, wavelet)
    del low
    along_rows, diagonal = _split_columns(high, wavelet)
    return approximation, [along_columns, along_rows, diagonal]


def _split_rows(
    read: Read, shape: tuple[int, int, int], wavelet: pywt.Wavelet
) -> tuple[Planes, Planes]:
    count, height, width = shape
    step = _BLOCK_VALUES // width
    if height <= step:
        return _split_whole(read(0, height), wavelet, axis=-1)
    half = (count, height, pywt.dwt_coeff_len(width, wavelet.dec_len, "symmetric"))
    low, high = np.empty(half, dtype=np.float32), np.empty(half, dtype=np.float32)
    for first, last in _blocks(height, step):
        rows = _split_whole(read(first, last), wavelet, axis=-1)
        low[:, first:last], high[:, first:last] = rows
    return low, high


def _split_columns(planes: Planes, wavelet: pywt.Wavelet) -> tuple[Planes, Planes]:
    count, height, width = planes.shape
    step = _BLOCK_VALUES // height
    if width <= step:
        return _split_whole(planes, wavelet, axis=-2)
    half = (count, pywt.dwt_coeff_len(height, wavelet.dec_len, "symmetric"), width)
    low, high = np.empty(half, dtype=np.float32), np.empty(half, dtype=np.float32)
    for first, last in _blocks(width, step):
        columns = _split_whole(planes[..., first:last], wavelet, axis=-2)
        low[..., first:last], high[..., first:last] = columns
    return low, high


def _split_whole(planes: Planes, wavelet: pywt.Wavelet, axis: int) -> tuple[Planes, Planes]:
    low, high = pywt.dwt(planes, wavelet, axis=axis)
    return low, high


def _merged_columns(low: Planes, high: Planes, height: int, wavelet: pywt.Wavelet) -> Planes:
    count, _, width = low.shape
    step = _BLOCK_VALUES // height
    if width <= step:
        merged: Planes = pywt.idwt(low, high, wavelet, axis=-2)
        return merged[:, :height]
    planes = np.empty((count, height, width), dtype=np.float32)
    for first, last in _blocks(width, step):
        columns = (..., slice(first, last))
        planes[columns] = pywt.idwt(low[columns], high[columns], wavelet, axis=-2)[:, :height]
    return planes


def _merge_rows(low: Planes, high: Planes, width: int, wavelet: pywt.Wavelet, write: Write) -> None:
    for first, last in _blocks(low.shape[1], _BLOCK_VALUES // width):
        write(pywt.idwt(low[:, first:last], high[:, first:last], wavelet, axis=-1), first)


def _blocks(length: int, size: int) -> Iterator[tuple[int, int]]:
    step = max(size, 1)
    return ((first, min(first + step, length)) for first in range(0, length, step))


def _rows_of(planes: Planes) -> Read:
    return lambda first, last: planes[:, first:last]


def _into_rows_of(planes: Planes) -> Write:
    def write(rows: Planes, first: int) -> None:
        planes[:, first : first + rows.shape[1]] = rows[..., : planes.shape[2]]

    return write


Values = NDArray[np.float32]

_NORMAL_MEDIAN = 0.6745  # median of |z| for a standard normal z
_ROUNDING = 1e-6  # detail this small, relative to the image's range, is float32 rounding
_CHUNK_VALUES = 2**19  # pixels of the images that are transformed together
_LANES = 16  # sums side by side, so that they need no common order
_SMALLEST = 1e-37  # float32 holds its reciprocal


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
            coefficients = decompose(shifted.read, planes.shape, wavelet, level)
            if noise is None:
                noise = estimate_noise(coefficients.details[0][2])
            for band in itertools.chain.from_iterable(coefficients.details):
                self._shrink(band.reshape(len(band), -1), noise, height * width)
            fresh = (down, right) == (0, 0)
            write = partial(shifted.add, total=clean, share=share, fresh=fresh)
            reconstruct(coefficients, wavelet, write)
        assert noise is not None  # noqa: S101 there always is a first shift
        return noise * spread

    def _shrink(self, bands: NDArray[np.float32], noise: NDArray[np.float64], pixels: int) -> None:
        if self.method == "BayesShrink":
            thresholds = bayes_thresholds(bands, noise)
        else:
            thresholds = universal_thresholds(noise, pixels)
        shrink(bands, thresholds, self.thresholding == "soft")


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


@compiled
def bayes_thresholds(bands: NDArray[np.float32], noise: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return noise² / σ_signal for each image's band; infinity where no signal is left.

    Source: Chang, Yu and Vetterli 2000, IEEE Trans. Image Process. 9:1532 (BayesShrink).

    Args:
        bands: (n, m) float32, C-contiguous.
        noise: (n,) standard deviation of each image's noise.
    """
    thresholds = np.empty(len(bands))
    lanes = np.empty(_LANES)
    for image in range(len(bands)):
        band = bands[image]
        lanes[:] = 0
        whole = len(band) // _LANES * _LANES
        for start in range(0, whole, _LANES):
            for lane in range(_LANES):
                value = np.float64(band[start + lane])
                lanes[lane] += value * value
        for pixel in range(whole, len(band)):
            lanes[0] += np.float64(band[pixel]) ** 2
        variance = noise[image] ** 2
        signal = lanes.sum() / len(band) - variance
        thresholds[image] = variance / np.sqrt(signal) if signal > 0 else np.inf
    return thresholds


@compiled
def shrink(bands: NDArray[np.float32], thresholds: NDArray[np.float64], soft: bool) -> None:
    """Set each coefficient up to its image's threshold to 0, in place.

    Args:
        bands: (n, m) float32, C-contiguous.
        thresholds: (n,) ≥ 0.
        soft: Whether the others come nearer to 0 by the threshold; else they stay as they are.
    """
    for image in range(len(bands)):
        threshold = np.float32(thresholds[image])
        band = bands[image]
        for pixel in range(len(band)):
            value = band[pixel]
            if soft:
                band[pixel] = value - min(max(value, -threshold), threshold)
            else:
                band[pixel] = value if abs(value) > threshold else np.float32(0)


@record(frozen=True)
class Scale:
    """What brings each image to [-1, 1], so that its coefficients lose few digits.

    Attributes:
        centre: (n,) float32, middle of each image's range.
        spread: (n,) float32, half of it; 1 for a constant image, or one that is nearly so.
    """

    centre: NDArray[np.float32]
    spread: NDArray[np.float32]

    @classmethod
    def of(cls, planes: Planes) -> Self:
        """Return the scale of images, (n, height, width)."""
        pixels = planes.reshape(len(planes), -1)
        lowest = pixels.min(axis=1).astype(np.float64)
        highest = pixels.max(axis=1).astype(np.float64)
        spread = (highest - lowest) / 2
        spread[spread < _SMALLEST] = 1
        return cls(((lowest + highest) / 2).astype(np.float32), spread.astype(np.float32))


@record(frozen=True)
class Shifted:
    """Planes as seen under one shift.

    Attributes:
        planes: (n, height, width) float32.
        scale: Their scale.
        down: Row that comes first.
        right: Column that comes first.
    """

    planes: Planes
    scale: Scale
    down: int
    right: int

    def read(self, first: int, last: int) -> Planes:
        """Return some rows, scaled: (n, last − first, width) float32."""
        scale = self.scale
        return _read(self.planes, scale.centre, scale.spread, first, last, self.down, self.right)

    def add(self, rows: Planes, first: int, total: Planes, share: float, fresh: bool) -> None:
        """Add rows to where they came from.

        Args:
            rows: (n, m, ≥ width) float32, scaled; columns beyond the width are left out.
            first: The first of the rows.
            total: (n, height, width) float32 to add to, in the planes' own units.
            share: Weight of the rows.
            fresh: The middle of each image's range is what they are added to, not the total.
        """
        gain = self.scale.spread * np.float32(share)
        _add(rows, gain, self.scale.centre, first, self.down, self.right, fresh, total)


@compiled
def _read(
    planes: Planes, centre: Values, spread: Values, first: int, last: int, down: int, right: int
) -> Planes:
    count, height, width = planes.shape
    right %= width
    rows = np.empty((count, last - first, width), dtype=np.float32)
    for image in range(count):
        middle, gain = centre[image], np.float32(1) / spread[image]
        for row in range(last - first):
            source = planes[image, (first + row + down) % height]
            _scale(source[right:], middle, gain, rows[image, row])
            _scale(source[:right], middle, gain, rows[image, row, width - right :])
    return rows


@compiled
def _add(
    rows: Planes,
    gain: NDArray[np.float32],
    centre: NDArray[np.float32],
    first: int,
    down: int,
    right: int,
    fresh: bool,
    total: Planes,
) -> None:
    count, height, width = total.shape
    right %= width
    for image in range(count):
        for row in range(rows.shape[1]):
            target = total[image, (first + row + down) % height]
            if fresh:
                target[:] = centre[image]
            _add_scaled(rows[image, row], gain[image], target[right:])
            _add_scaled(rows[image, row, width - right :], gain[image], target[:right])


@compiled
def _scale(
    source: NDArray[np.float32], middle: np.float32, gain: np.float32, target: NDArray[np.float32]
) -> None:
    for pixel in range(len(source)):
        target[pixel] = (source[pixel] - middle) * gain


@compiled
def _add_scaled(source: NDArray[np.float32], gain: np.float32, target: NDArray[np.float32]) -> None:
    for pixel in range(len(target)):
        target[pixel] += source[pixel] * gain
