"""Short vectors by which copies are found among many images, whatever was done to them.

Two kinds, both of a small picture of the image and of unit norm. The **layout** is the leading
cosine terms of its local detail: mirroring and quarter turns only change their signs and order.
The **spectrum** is the logarithms of Fourier magnitudes on rings of a round window, which a shift
leaves as they are (Oppenheim & Lim 1981, Proc IEEE 69:529); turning the image turns the rings
(Reddy & Chatterji 1996, IEEE Trans Image Process 5:1266). In steps around a ring its terms are
whitened over a sample of the set, so that what all its images share counts for little. A window
inside the image stands for a crop.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import scipy
from numpy.typing import NDArray

from skiagram.arrays import Floats, Singles, Whole
from skiagram.images import Image
from skiagram.near_duplicates.pairs import ROUNDING, projection, reduced, stack_blocks
from skiagram.near_duplicates.registration import Details, Guess

SIDE = 36  # of the small picture
_WAVES = 8  # cosine terms a direction
_PERIODS = np.hypot(*np.mgrid[:_WAVES, :_WAVES])
_SLOW = (_PERIODS > 0) & (_PERIODS < _WAVES)  # the same terms, however the image is turned
_RINGS = 12  # 1 to 12 cycles across the window
_STEPS = 48  # angles around half a ring
_LENGTH = 80  # numbers of a spectrum; fewer confuse images, more take longer
_FLOOR = 0.05  # of white noise of the same spread; fainter magnitudes are rounding and noise
_OUTLIERS = (0.01, 0.99)  # clipped, or a few hot pixels would be all that is compared
_AT_ONCE = 1024

Small = NDArray[np.float16]
Vectors = Singles
Spectra = NDArray[np.complex64]


@dataclass(frozen=True)
class SpectrumWindow:
    """A round part of an image."""

    share: float = 1.0
    down: float = 0.0
    across: float = 0.0


def small_picture(image: Image) -> Small:
    """Reduce an image, clipped, of zero mean and unit spread; 0 if constant.

    Args:
        image: Of a volume the mean of its slices is taken.

    Returns:
        (side, side) float16.
    """
    small = reduced(projection(image), SIDE)
    # A few hot pixels would be all that is compared.
    low, high = (round(share * (small.size - 1)) for share in _OUTLIERS)
    ordered = np.partition(small, (low, high), axis=None)
    small = np.clip(small, ordered[low], ordered[high])
    centred = small - small.mean()
    spread = float(centred.std())
    shown = spread > ROUNDING * float(np.abs(small).max())
    scaled: Small = (centred / (spread if shown else np.inf)).astype(np.float16)
    return scaled


def layouts(details: Details) -> Vectors:
    """Compute slow cosine terms of details, whitened over the set, of unit norm.

    Args:
        details: (n, side, side) of all images.

    Returns:
        (n, waves, waves) float32, 0 where a term is not slow.
    """
    # The cosine transform, for the slow waves alone.
    basis = scipy.fft.dct(np.eye(SIDE), axis=0, norm="ortho")[:_WAVES].astype(np.float32)
    starts = range(0, len(details), _AT_ONCE)
    blocks = (basis @ details[start : start + _AT_ONCE] @ basis.T for start in starts)
    slow = (block.astype(np.float32) * _SLOW for block in blocks)
    terms = stack_blocks(slow, (len(details), _WAVES, _WAVES), np.float32)
    # The spread of each term over the set; a turned image exchanges rows and columns, so both have
    # one.
    squares = np.zeros((_WAVES, _WAVES))
    for start in starts:
        squared = np.square(terms[start : start + _AT_ONCE], dtype=np.float64)
        squares = np.sum([squares, *squared], axis=0)
    squares /= len(details)
    spread = np.sqrt((squares + squares.T) / 2)
    divisor = np.where(spread > 0, spread, 1).astype(np.float32)
    for start in starts:
        whole: Vectors = terms[start : start + _AT_ONCE]
        whole /= divisor
        flat = whole.reshape(len(whole), -1)  # no copy
        norm = np.linalg.norm(flat, axis=1, keepdims=True)
        flat /= np.where(norm > 0, norm, 1)
    return terms


def orient_layouts(terms: Vectors, guess: Guess) -> Vectors:
    """Turn the layouts of images into those of the same images mirrored and turned by quarters.

    Args:
        terms: (n, waves, waves).
        guess: Its mirror and quarters alone count.

    Returns:
        (n, slow terms).
    """
    odd = np.where(np.arange(_WAVES) % 2, -1, 1).astype(np.float32)
    if guess.mirrored:
        terms = terms * odd
    for _ in range(guess.quarters):  # a quarter turn anticlockwise: transposed, then upside down
        terms = np.swapaxes(terms, 1, 2) * odd[:, None]
    return np.ascontiguousarray(terms.reshape(len(terms), -1)[:, _SLOW.ravel()])


@dataclass(frozen=True)
class SpectrumBasis:
    """What turns logarithms of magnitudes into spectra.

    Attributes:
        mean: (rings,) mean over the sample and around each ring.
        orders: (terms,) periods around half a ring.
        rings: (terms, rings) weights of the rings, whitening included.
    """

    mean: Floats
    orders: Whole
    rings: Floats

    @classmethod
    def fit(cls, small: Small) -> "SpectrumBasis":
        """Find the strongest terms of a sample, averaged over all turns and mirror images."""
        # The mean spectrum, and the variance of each order of turning.
        logs = _log_magnitudes(small, SpectrumWindow()).astype(np.float64)
        waves = scipy.fft.rfft(logs, axis=2) / _STEPS
        mean = waves[:, :, 0].real.mean(axis=0)
        waves[:, :, 0] -= mean
        terms = []
        for order in range(waves.shape[2] - 1):
            part = waves[:, :, order]
            covariance = (part.T @ part.conj()).real / max(len(part), 1)
            strength, directions = np.linalg.eigh(covariance)
            strength = strength / (2 if order else 1)
            terms += [(s, order, d) for s, d in zip(strength, directions.T, strict=True) if s > 0]
        # The strongest terms, up to the length of a descriptor.
        terms.sort(key=lambda term: -term[0])
        strongest, length = [], 0
        for term in terms:
            strongest.append(term)
            length += 2 if term[1] else 1
            if length >= _LENGTH:
                break
        if not strongest:
            return cls(mean, np.zeros(0, dtype=np.int64), np.zeros((0, _RINGS)))
        return cls(
            mean,
            np.array([order for _, order, _ in strongest]),
            np.stack([direction / np.sqrt(strength) for strength, _, direction in strongest]),
        )

    def spectra(self, small: Small, window: SpectrumWindow) -> Spectra:
        """Return (n, terms) complex spectra of what the window shows, of unit norm; 0 if constant.

        Terms of order 0 are real.
        """
        # (rings × steps, 2 × terms): the wave around the rings and their weights in one
        angles = 2 * np.pi * np.arange(_STEPS) / _STEPS
        waves = np.exp(-1j * self.orders[:, None] * angles) / _STEPS
        whole = self.rings[:, :, None] * waves[:, None, :]
        flat = whole.reshape(len(whole), -1).T
        weights = np.concatenate([flat.real, flat.imag], axis=1).astype(np.float32)

        # Block by block, of unit norm; what the window leaves empty is 0.
        def seen() -> Iterator[Spectra]:
            for start in range(0, len(small), _AT_ONCE):
                block = small[start : start + _AT_ONCE]
                logs = _log_magnitudes(block, window) - self.mean[:, None].astype(np.float32)
                parts = logs.reshape(len(block), -1) @ weights
                terms = parts[:, : len(self.orders)] + 1j * parts[:, len(self.orders) :]
                shown = block.astype(np.float32).any(axis=(1, 2))
                norm = np.linalg.norm(terms, axis=1) * shown
                yield terms * np.where(norm > 0, 1 / np.where(norm > 0, norm, 1), 0)[:, None]

        return stack_blocks(seen(), (len(small), len(self.orders)), np.complex64)

    def orient(self, spectra: Spectra, guess: Guess) -> Vectors:
        """Turn spectra into those of the same images under a guess, its scale left out.

        Args:
            spectra: (n, terms).
            guess: Its mirror, quarters and degrees count.

        Returns:
            (n, length) float32.
        """
        if guess.mirrored:
            spectra = np.conj(spectra)
        turn = np.deg2rad(guess.degrees + 90 * guess.quarters)
        turned = spectra * np.exp(2j * self.orders * turn).astype(np.complex64)
        return np.concatenate([turned.real, turned.imag[:, self.orders > 0]], axis=1)


@cache
def _waves(
    window: SpectrumWindow,
) -> tuple[NDArray[np.intp], Singles, Singles]:
    """Prepare what measures the waves of a window.

    Returns:
        Pixels of the window, their weights, and (pixels, 2 × rings × steps) waves.
    """
    places = (np.arange(SIDE) - (SIDE - 1) / 2) / SIDE
    down, across = np.meshgrid(places - window.down, places - window.across, indexing="ij")
    # A round window that falls off towards its edge.
    distance = np.hypot(down, across).ravel() / (window.share / 2)
    pixels = np.flatnonzero(distance < 1)
    weights = np.cos(np.pi / 2 * distance[pixels]) ** 2
    # Waves of each ring at angles around half of it: the other half is the same.
    cycles = np.arange(1, _RINGS + 1)[:, None] / window.share
    angles = np.pi * np.arange(_STEPS) / _STEPS
    rows, columns = (cycles * np.sin(angles)).ravel(), (cycles * np.cos(angles)).ravel()
    # the wave of a place is that of its row times that of its column
    by_row = np.exp(2j * np.pi * down[:, :1] * rows)
    by_column = np.exp(2j * np.pi * across[0][:, None] * columns)
    parts = by_row[pixels // SIDE] * by_column[pixels % SIDE] * weights[:, None]
    waves = np.concatenate([parts.real, parts.imag], axis=1)
    return pixels, weights.astype(np.float32), waves.astype(np.float32)


def _log_magnitudes(small: Small, window: SpectrumWindow) -> Singles:
    """Compute logarithms of the magnitudes of a window's waves: (n, rings, steps)."""
    pixels, weights, waves = _waves(window)
    values = small.reshape(len(small), -1)[:, pixels].astype(np.float32)
    values = values - (values @ weights / weights.sum())[:, None]
    spread = np.sqrt((values**2) @ weights / weights.sum())
    values /= np.where(spread > 0, spread, 1)[:, None]
    parts = values @ waves
    half = parts.shape[1] // 2
    magnitudes = np.hypot(parts[:, :half], parts[:, half:])
    floor = _FLOOR * float(np.linalg.norm(weights))
    logs: Vectors = np.log(magnitudes + floor).reshape(len(small), _RINGS, _STEPS)
    return logs
