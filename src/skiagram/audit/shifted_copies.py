"""Copies that were shifted, which a comparison pixel by pixel does not see.

A shift turns the phases of an image's Fourier transform and leaves its magnitudes (Oppenheim & Lim
1981, Proc IEEE 69:529). These, up to 13 cycles an image, are the image's fingerprint. Where two
agree, the detail of both images is compared at every shift up to an eighth of a side. Volumes are
compared by the mean of their slices, which a shift along depth hardly changes. The findings are
shifted copies on both sides of a split, of different patients, or with different labels.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from skiagram.audit.contract import Evidence, Finding, examples
from skiagram.image_store.shards import Image
from skiagram.image_store.store import ImageStore
from skiagram.near_duplicates import (
    ROUNDING,
    Pairs,
    correlated_pairs,
    local_detail,
    projection,
    reduced,
)

FINGERPRINTS_ALIKE = 0.7
DETAIL_ALIKE = 0.7  # true copies by up to 3 of 64 pixels reach .72; other mammograms .67 at most
_SIDE = 56
_CYCLES = 13
_OUTLIERS = (0.01, 0.99)  # clipped, or a few hot pixels would be all that is compared
_FLOOR = 0.05  # of white noise of the same spread; fainter magnitudes are rounding and noise
_DETAIL_SIDE = 64
_REACH = 8
_DETAILS_KEPT = 4096
_LOOK = "look at these pairs"
_WINDOW = np.outer(*[np.hanning(_SIDE + 2)[1:-1]] * 2)  # else opposite edges would jump
_ROW, _COLUMN = np.meshgrid(
    fft.fftfreq(_SIDE, 1 / _SIDE), fft.rfftfreq(_SIDE, 1 / _SIDE), indexing="ij"
)
_KEPT = (np.hypot(_ROW, _COLUMN) >= 1) & (np.hypot(_ROW, _COLUMN) <= _CYCLES)
_KEPT &= (_COLUMN > 0) | (_ROW > 0)  # the others repeat them


def find_shifted_pairs(store: ImageStore, known: Pairs) -> Pairs:
    """Find copies shifted by up to an eighth of a side.

    Args:
        store: The images.
        known: Near duplicates, which are left out.

    Returns:
        Their positions in the store; the correlation is that of their detail where it fits best, in
        (.7, 1].
    """

    @lru_cache(maxsize=_DETAILS_KEPT)
    def detail(position: int) -> NDArray[np.complex128]:
        image = projection(store.image(store.case_ids[position]))
        detail_image = local_detail(image, _DETAIL_SIDE).astype(np.float64)
        return np.asarray(fft.rfft2(detail_image.reshape(_DETAIL_SIDE, _DETAIL_SIDE)))

    already_known = set(zip(known.first.tolist(), known.second.tolist(), strict=True))
    candidates = sorted(
        set(correlated_pairs(fingerprints(store), FINGERPRINTS_ALIKE)) - already_known
    )
    matches = np.array([_best_match(*map(detail, pair)) for pair in candidates])
    copied = matches > DETAIL_ALIKE
    first, second = np.array(candidates, dtype=np.int64).reshape(-1, 2)[copied].T
    return Pairs(
        first, second, np.minimum(matches[copied], 1), np.zeros(len(first), dtype=np.bool_)
    )


def fingerprints(store: ImageStore) -> NDArray[np.float32]:
    """Return (n, d) what sets each image's magnitudes apart from the others', of unit norm.

    All zeros where an image is constant.
    """
    logs: NDArray[np.float32] = np.zeros((len(store), int(_KEPT.sum())), dtype=np.float32)
    for i, (_, image) in enumerate(store):
        logs[i] = _log_magnitudes(image)
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
    if spread <= ROUNDING * float(np.abs(small).max()):
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


def check_shifted_copies(evidence: Evidence) -> list[Finding]:
    """Look for copies that a shift keeps from being near duplicates.

    They warn and do not stop: the same organ seen twice can look like a shifted copy.
    """
    if evidence.shifted is None:
        return []
    cases, first, second = evidence.cases, evidence.shifted.first, evidence.shifted.second
    test = cases.split == "test"
    developed = ~test[first] & ~test[second]
    rows = np.concatenate([first, second])[np.tile(test[first] != test[second], 2)]
    concerned = np.unique(rows[test[rows]])
    apart = developed & (cases.patient_id[first] != cases.patient_id[second])
    differing = developed & (cases.label[first] != cases.label[second])
    return [
        Finding(
            name="shifted_copies_across_splits",
            severity="warning",
            count=len(concerned),
            summary="Test images that look like a shifted copy of a development image: "
            f"{len(concerned)} of {int(test.sum())}.",
            remedy=f"{_LOOK}; put copies into the same split",
            examples=examples(cases.case_id[concerned]),
        ),
        _pairs(
            "shifted_copies_across_patients",
            "of different patients, or of images whose patients are unknown",
            f"{_LOOK}; correct the patient ids, or remove one image of each pair",
            cases.case_id[first[apart]],
        ),
        _pairs(
            "shifted_copies_with_other_labels",
            "with different labels",
            f"{_LOOK}; check their labels",
            cases.case_id[first[differing]],
        ),
    ]


def _pairs(name: str, which: str, remedy: str, case_id: NDArray[np.str_]) -> Finding:
    return Finding(
        name=name,
        severity="warning",
        count=len(case_id),
        summary=f"Pairs of development images that look like shifted copies, {which}: "
        f"{len(case_id)}.",
        remedy=remedy,
        examples=examples(case_id),
    )
