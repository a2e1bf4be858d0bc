"""Power spectrum of an image by frequency, and how steeply it falls."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft, signal

from skiagram.features.statistics.power_law import log_slope

_RELATIVE_FLOOR = 1e-20  # of power, beside which that of a constant tile is rounding


def ring_powers(images: NDArray[Any], side: int) -> NDArray[np.float64]:
    """Return the mean power of the frequencies around each whole number of cycles a tile.

    Tiles cover the image, overlapping where its size is no multiple of theirs; each has its
    weighted mean taken away and a Hann window laid over it (Welch, IEEE Trans. AU 15(2), 1967).

    Args:
        images: (n, height, width) of any depth, finite.
        side: Of a tile, at most that of the images.

    Returns:
        (n, rings) from 0 cycles, relative to the largest squared intensity of the image.
    """
    window = signal.windows.hann(side, sym=False)
    window = np.outer(window, window)
    highest, lowest = (
        extreme(images, (1, 2), keepdims=True).astype(np.float64) for extreme in (np.max, np.min)
    )
    scale = np.maximum(highest, -lowest)
    scale[scale == 0] = 1
    power = np.zeros((len(images), side, side // 2 + 1))
    for y in _starts(images.shape[1], side):
        for x in _starts(images.shape[2], side):
            tile = images[:, y : y + side, x : x + side] / scale
            mean = np.sum(window * tile, axis=(1, 2), keepdims=True) / window.sum()
            power += np.abs(fft.rfft2((tile - mean) * window)) ** 2
    cycles = np.hypot(fft.fftfreq(side, 1 / side)[:, None], fft.rfftfreq(side, 1 / side))
    ring = np.rint(cycles).astype(np.int64).ravel()
    twice = np.arange(side // 2 + 1) % (side / 2) > 0  # columns that stand for their mirror too
    share = np.broadcast_to(1.0 + twice, cycles.shape).ravel()
    share = share / np.bincount(ring, share)[ring]
    order = np.argsort(ring, kind="stable")
    first = np.searchsorted(ring[order], np.arange(ring.max() + 1))
    shares = power.reshape(len(images), -1)[:, order] * share[order]
    return np.add.reduceat(shares, first, axis=1)


def _starts(size: int, side: int) -> list[int]:
    """Return where evenly spread tiles start that cover a size."""
    return [int(start) for start in np.linspace(0, size - side, -(-size // side))]


def spectral_slope(power: NDArray[np.float64], rings: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return β, minus the slope of log power over log frequency, (n,).

    Args:
        power: (n, m) of each ring, ≥ 0, relative to the largest squared intensity.
        rings: Those that the line is fitted to, from 1.

    Returns:
        (n,); 0 where there are fewer than two rings, or one has no power.
    """
    if len(rings) < 2:
        return np.zeros(len(power))
    chosen = np.maximum(power[:, rings], _RELATIVE_FLOOR)
    slope = log_slope(rings, chosen.T)
    return np.where(chosen.min(axis=1) > _RELATIVE_FLOOR, -slope, 0)
