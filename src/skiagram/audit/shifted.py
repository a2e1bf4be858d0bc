"""Copies that were shifted, which a comparison pixel by pixel does not see.

A shift turns the phases of an image's Fourier transform and leaves its magnitudes (Oppenheim & Lim
1981, Proc IEEE 69:529). These, up to 13 cycles an image, are the image's fingerprint. Where two
agree, the detail of both images is laid upon another in every way up to an eighth of a side.
Volumes are compared by the mean of their slices, which a shift along depth hardly changes.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from skiagram.correlated import correlated_pairs
from skiagram.duplicates import Pairs, local_detail, projection, reduced
from skiagram.store import Image, ImageStore

FINGERPRINTS_ALIKE = 0.7
DETAIL_ALIKE = 0.7  # true copies by up to 3 of 64 pixels reach .72; other mammograms .67 at most
_SIDE = 56
_CYCLES = 13
_OUTLIERS = (0.01, 0.99)  # clipped, or a few hot pixels would be all that is compared
_FLOOR = 0.05  # of white noise of the same spread; fainter magnitudes are rounding and noise
_DETAIL_SIDE = 64
_REACH = 8
_DETAILS_KEPT = 4096

_WINDOW = np.outer(*[np.hanning(_SIDE + 2)[1:-1]] * 2)  # else opposite edges would jump
_ROW, _COLUMN = np.meshgrid(
    fft.fftfreq(_SIDE, 1 / _SIDE), fft.rfftfreq(_SIDE, 1 / _SIDE), indexing="ij"
)
_KEPT = (np.hypot(_ROW, _COLUMN) >= 1) & (np.hypot(_ROW, _COLUMN) <= _CYCLES)
_KEPT &= (_COLUMN > 0) | (_ROW > 0)  # the others repeat them


def shifted_pairs(store: ImageStore, known: Pairs) -> Pairs:
    """Find copies shifted by up to an eighth of a side.

    Args:
        store: The images.
        known: Near duplicates, which are left out.

    Returns:
        Their positions in the store; the correlation is that of their detail where it fits best, in
        (.7, 1].
    """

    @lru_cache(maxsize=_DETAILS_KEPT)
    def detail(at: int) -> NDArray[np.complex128]:
        image = projection(store.image(store.case_ids[at]))
        found = local_detail(image, _DETAIL_SIDE).astype(np.float64)
        return np.asarray(fft.rfft2(found.reshape(_DETAIL_SIDE, _DETAIL_SIDE)))

    apart = set(zip(known.first.tolist(), known.second.tolist(), strict=True))
    alike = sorted(set(correlated_pairs(fingerprints(store), FINGERPRINTS_ALIKE)) - apart)
    matches = np.array([_best_match(*map(detail, pair)) for pair in alike])
    copied = matches > DETAIL_ALIKE
    first, second = np.array(alike, dtype=np.int64).reshape(-1, 2)[copied].T
    return Pairs(
        first, second, np.minimum(matches[copied], 1), np.zeros(len(first), dtype=np.bool_)
    )


def fingerprints(store: ImageStore) -> NDArray[np.float32]:
    """Return (n, d) what sets each image's magnitudes apart from the others', of unit norm.

    All zeros where an image is constant.
    """
    logs: NDArray[np.float32] = np.zeros((len(store), int(_KEPT.sum())), dtype=np.float32)
    for at, (_, image) in enumerate(store):
        logs[at] = _log_magnitudes(image)
    shown = logs.any(axis=1)
    if shown.any():
        spread = logs[shown].std(axis=0)
        logs[shown] = (logs[shown] - logs[shown].mean(axis=0)) / np.where(spread > 0, spread, 1)
    logs -= logs.mean(axis=1, keepdims=True)
    norm = np.linalg.norm(logs, axis=1, keepdims=True)
    return (logs / np.where(norm > 0, norm, 1)).astype(np.float32)


def _log_magnitudes(image: Image) -> NDArray[np.float64]:
    small = reduced(projection(image), _SIDE)
    small = np.clip(small, *np.quantile(small, _OUTLIERS))
    spread = small.std()
    if spread <= 1e-6 * max(1.0, float(np.abs(small).max())):
        return np.zeros(int(_KEPT.sum()))
    centred = (small - np.average(small, weights=_WINDOW)) / spread
    floor = _FLOOR * np.linalg.norm(_WINDOW)
    logs: NDArray[np.float64] = np.log(np.abs(fft.rfft2(centred * _WINDOW))[_KEPT] + floor)
    return logs


def _best_match(one: NDArray[np.complex128], other: NDArray[np.complex128]) -> float:
    """Return the greatest correlation of two details over all shifts up to the reach."""
    matches = fft.irfft2(one * np.conj(other), s=(_DETAIL_SIDE, _DETAIL_SIDE))
    near = np.roll(matches, (_REACH, _REACH), axis=(0, 1))
    return float(near[: 2 * _REACH + 1, : 2 * _REACH + 1].max())
