"""Statistics and thresholds of wavelet bands, compiled: one row a band of one image."""

import numpy as np
from numpy.typing import NDArray

from skiagram.compiled import compiled

_LANES = 16  # sums side by side, so that they need no common order
_MAGNITUDE = 0x7FFFFFFF  # bits of a float32 without its sign; they sort as the numbers do
_FIRST_BITS, _BITS = 11, 10  # the highest 11 of 31 bits are counted, then 10 and 10


@compiled
def median_magnitude(
    values: NDArray[np.float32], floor: float, left_out: NDArray[np.bool_] | None = None
) -> np.float32:
    """Return the median of the absolute values above a floor; 0 where there are none.

    It is found by counting leading bits, then those that follow them: exact like a sort, in linear
    time and without a copy.

    Args:
        values: (n,) float32, C-contiguous, without NaN.
        floor: Absolute values up to this one are left out; none are where it is negative.
        left_out: (n,) values that are left out as well; None for none.
    """
    bits = values.view(np.int32)
    lowest = np.full(1, floor, dtype=np.float32).view(np.int32)[0] if floor >= 0 else -1
    counts = np.zeros(1 << _FIRST_BITS, dtype=np.int64)
    kept = _count(bits, lowest, left_out, 0, 31, counts)
    if kept == 0:
        return np.float32(0)
    rank, lower, shift = (kept - 1) // 2, 0, 31 - _FIRST_BITS
    while True:
        found = 0
        while rank >= counts[found]:
            rank -= counts[found]
            found += 1
        lower = lower << _BITS | found
        if shift == 0:
            break
        counts = np.zeros(1 << _BITS, dtype=np.int64)
        _count(bits, lowest, left_out, lower, shift, counts)
        shift -= _BITS
    upper = lower
    if kept % 2 == 0:
        up_to, above = _next_magnitude(bits, lowest, left_out, lower)
        upper = above if up_to == kept // 2 else lower
    both = np.array([lower, upper], dtype=np.int32).view(np.float32)
    middle: np.float32 = (both[0] + both[1]) / np.float32(2)
    return middle


@compiled
def median_magnitudes(bands: NDArray[np.float32], floor: float) -> NDArray[np.float64]:
    """Return the `median_magnitude` of each band.

    Args:
        bands: (n, m) float32, C-contiguous, without NaN.
        floor: Absolute values up to this one are left out.
    """
    medians = np.empty(len(bands))
    for image in range(len(bands)):
        medians[image] = median_magnitude(bands[image], floor)
    return medians


@compiled
def _count(
    bits: NDArray[np.int32],
    lowest: int,
    left_out: NDArray[np.bool_] | None,
    leading: int,
    shift: int,
    counts: NDArray[np.int64],
) -> int:
    """Count the bits that follow the leading ones, and all of them."""
    following = shift - (_FIRST_BITS if shift == 31 else _BITS)
    kept = 0
    for at in range(len(bits)):
        magnitude = bits[at] & _MAGNITUDE
        alike = magnitude > lowest and magnitude >> shift == leading
        if alike and (left_out is None or not left_out[at]):
            counts[magnitude >> following & (len(counts) - 1)] += 1
            kept += 1
    return kept


@compiled
def _next_magnitude(
    bits: NDArray[np.int32], lowest: int, left_out: NDArray[np.bool_] | None, magnitude: int
) -> tuple[int, int]:
    """Return how many magnitudes go up to this one, and the least one above it."""
    up_to, above = 0, _MAGNITUDE
    for at in range(len(bits)):
        other = bits[at] & _MAGNITUDE
        if other > lowest and (left_out is None or not left_out[at]):
            if other > magnitude:
                above = min(above, other)
            else:
                up_to += 1
    return up_to, above


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
        for at in range(whole, len(band)):
            lanes[0] += np.float64(band[at]) ** 2
        variance = noise[image] ** 2
        signal = lanes.sum() / len(band) - variance
        thresholds[image] = variance / np.sqrt(signal) if signal > 0 else np.inf
    return thresholds


@compiled
def shrink_soft(bands: NDArray[np.float32], thresholds: NDArray[np.float64]) -> None:
    """Bring each coefficient nearer to 0 by its image's threshold, in place.

    Args:
        bands: (n, m) float32, C-contiguous.
        thresholds: (n,) ≥ 0.
    """
    for image in range(len(bands)):
        threshold = np.float32(thresholds[image])
        band = bands[image]
        for at in range(len(band)):
            value = band[at]
            band[at] = value - min(max(value, -threshold), threshold)


@compiled
def shrink_hard(bands: NDArray[np.float32], thresholds: NDArray[np.float64]) -> None:
    """Set each coefficient up to its image's threshold to 0, in place.

    Args:
        bands: (n, m) float32, C-contiguous.
        thresholds: (n,) ≥ 0.
    """
    for image in range(len(bands)):
        threshold = np.float32(thresholds[image])
        band = bands[image]
        for at in range(len(band)):
            value = band[at]
            band[at] = value if abs(value) > threshold else np.float32(0)
