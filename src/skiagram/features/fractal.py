"""Feature family `fractal`: how roughness and power change with scale."""

from itertools import product
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass
from scipy import fft

from skiagram.arrays import Floats, Whole
from skiagram.features.family import WholeImageFamily
from skiagram.strict import STRICT


def log_slope(x: Whole, y: Floats) -> Floats:
    """Compute the least-squares slope of log y over log x.

    Args:
        x: (m,) > 0, not all equal.
        y: (m, n) > 0.

    Returns:
        (n,).
    """
    centred = np.log(x) - np.log(x).mean()
    return centred @ np.log(y) / (centred @ centred)


def box_counting_dimension(images: NDArray[Any]) -> Floats:
    """Estimate the differential box counting dimension of the intensity surface.

    Sarkar and Chaudhuri, IEEE Trans. SMC 24(1), 1994: boxes of side s = 2, 4, 8 … up to half of M,
    the shorter side, are as high as the share s/M of the image's range; the surface over a square
    of side s meets ⌊max/h⌋ − ⌊min/h⌋ + 1 of them. The dimension is 2 minus the slope of the
    logarithm of their mean number over log s. Sides are counted between the centres of pixels, so
    that neighbouring squares share their border and no step between them is lost (Li, Du and Sun,
    Pattern Recognition 42(11), 2009); squares beyond the border are left out.

    Like every box count it lies below the true dimension of a rough surface: about 2.55 where 3 is
    true and 2.3 where 2.5 is, in 256 × 256 pixels.

    Args:
        images: (n, height, width) of any depth.

    Returns:
        (n,), about 2 to 3; 2 where a side is too short for two sizes of boxes.
    """
    # The surface between each image's own extremes.
    lowest, highest = (
        extreme(images, axis=(1, 2), keepdims=True).astype(np.float64)
        for extreme in (np.min, np.max)
    )
    spread = highest - lowest
    shorter = min(images.shape[1:]) - 1
    # Boxes double their sides; their extremes come from those of the boxes before.
    largest = smallest = images
    sides, counts = [], []
    side = 2
    while 2 * side <= shorter:
        shared = side == 2
        largest, smallest = (
            _pooled(largest, np.maximum, shared),
            _pooled(smallest, np.minimum, shared),
        )
        # How many boxes high the surface is within each side.
        height = np.where(spread > 0, spread, 1) * (side / shorter)
        boxes = _boxes(largest, lowest, height)
        boxes -= _boxes(smallest, lowest, height)
        sides.append(side)
        counts.append(boxes.mean(axis=(1, 2)) + 1)
        side *= 2
    # A slope needs two sides at least: else the surface counts as flat.
    if len(sides) < 2:
        return np.full(len(images), 2.0)
    return 2 - log_slope(np.array(sides), np.stack(counts))


def _boxes(surface: NDArray[Any], lowest: Floats, height: Floats) -> Floats:
    """Count the whole boxes below a surface, from the lowest intensity of the image on."""
    boxes = surface.astype(np.float64)
    boxes -= lowest
    boxes /= height
    return np.floor(boxes, out=boxes)


def _pooled(images: NDArray[Any], extreme: np.ufunc, shared: bool) -> NDArray[Any]:
    """Find the extremes of squares of 2 × 2, or 3 × 3 that share their border, as (n, h, w)."""
    for axis in (1, 2):
        places = (images.shape[axis] - shared) // 2
        parts = np.moveaxis(images, axis, 0)
        pooled = extreme(parts[0 : 2 * places : 2], parts[1 : 2 * places : 2])
        if shared:
            extreme(pooled, parts[2 : 2 * places + 1 : 2], out=pooled)
        images = np.moveaxis(pooled, 0, axis)
    return images


_RELATIVE_FLOOR = 1e-20  # of power, beside which that of a constant tile is rounding


def ring_powers(images: NDArray[Any], side: int) -> Floats:
    """Compute the mean power of the frequencies around each whole number of cycles per tile.

    Tiles cover the image, overlapping where its size is no multiple of theirs; each has its
    weighted mean taken away and a Hann window laid over it (Welch, IEEE Trans. AU 15(2), 1967).

    Args:
        images: (n, height, width) of any depth.
        side: Of the tiles, at most that of the images.

    Returns:
        (n, rings) from 0 cycles, relative to the largest squared intensity of the image.
    """
    # A window, so that a tile's borders make no edges.
    turn = np.linspace(-np.pi, np.pi, side + 1)[:-1]
    window = 0.5 + 0.5 * np.cos(turn) if side > 1 else np.ones(1)  # Hann, periodic
    window = np.outer(window, window)
    # Intensities as shares of the largest, so that their squares stay in range.
    highest, lowest = (
        extreme(images, (1, 2), keepdims=True).astype(np.float64) for extreme in (np.max, np.min)
    )
    scale = np.maximum(highest, -lowest)
    scale[scale == 0] = 1
    # the power of all tiles, which start at evenly spread places
    power = np.zeros((len(images), side, side // 2 + 1))
    starts = [np.linspace(0, size - side, -(-size // side)) for size in images.shape[1:]]
    for y, x in product(*(each.astype(int).tolist() for each in starts)):
        tile = images[:, y : y + side, x : x + side] / scale
        mean = np.sum(window * tile, axis=(1, 2), keepdims=True) / window.sum()
        power += np.abs(fft.rfft2((tile - mean) * window)) ** 2
    # its mean over each ring
    cycles = np.hypot(fft.fftfreq(side, 1 / side)[:, None], fft.rfftfreq(side, 1 / side))
    ring = np.rint(cycles).astype(np.int64).ravel()
    twice = np.arange(side // 2 + 1) % (side / 2) > 0  # columns that stand for their mirror too
    share = np.broadcast_to(1.0 + twice, cycles.shape).ravel()
    share = share / np.bincount(ring, share)[ring]
    order = np.argsort(ring, kind="stable")
    first = np.searchsorted(ring[order], np.arange(ring.max() + 1))
    shares = power.reshape(len(images), -1)[:, order] * share[order]
    return np.add.reduceat(shares, first, axis=1)


def spectral_slope(power: Floats, rings: Whole) -> Floats:
    """Estimate β, minus the slope of log power over log frequency, (n,).

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


_LOWEST_RING = 2  # the window spreads each frequency over its neighbours; the mean reaches ring 1


@dataclass(**STRICT)
class Fractal(WholeImageFamily):
    """Box counting dimension and spectral slope, of whole images.

    Tissue with the power spectrum c / f^β is a fractal surface of dimension 4 − β/2 for β from 2
    to 4; mammograms have β near 3 (Burgess, Jacobson and Judy, Med Phys 28:419, 2001).

    Attributes:
        tile: Side of the square parts whose power spectra are averaged, in pixels; an image with
            a shorter side is cut into squares of that side.
        highest_frequency: Where the fitted part of the spectrum ends, in cycles per pixel; it
            starts at two cycles per tile. Above it, noise hides the tissue of a film.
    """

    tile: Annotated[int, Field(ge=16, le=1024)]
    highest_frequency: Annotated[float, Field(gt=0, le=0.5)]

    prefix: ClassVar[str] = "fractal"

    def describe(self, images: NDArray[Any]) -> Floats:
        """Compute both features of n images, (n, 2).

        The dimension is 2 for a plane; the slope β is 0 for white noise and for images that are
        constant or too small to have a slope.
        """
        side = min(self.tile, *images.shape[1:])
        rings = np.arange(_LOWEST_RING, int(self.highest_frequency * side) + 1)
        slope = spectral_slope(ring_powers(images, side), rings)
        return np.stack([box_counting_dimension(images), slope], axis=1)
