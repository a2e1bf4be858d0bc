"""Sub-bands made one by one and in blocks are PyWavelets' own."""

import itertools
import warnings

import numpy as np
import pytest
import pywt
from hypothesis import given, settings
from hypothesis import strategies as st

from skiagram.features import sub_band_transform
from skiagram.features.sub_band_transform import mean_square, sub_bands


@settings(deadline=None, max_examples=40)
@given(
    st.tuples(st.integers(1, 3), st.integers(1, 40), st.integers(1, 40)),
    st.sampled_from(["haar", "db4", "bior2.2"]),
    st.sampled_from(["symmetric", "periodization"]),
    st.integers(1, 3),
    st.integers(1, 300),
)
def test_bands_equal_those_of_the_whole_transform(
    shape: tuple[int, int, int], wavelet: str, boundary: str, levels: int, block: int
) -> None:
    planes = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Level value of .* is too high")
        approximation, *details = pywt.wavedec2(
            planes.astype(np.float64), wavelet, boundary, levels, axes=(1, 2)
        )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sub_band_transform, "_BLOCK_VALUES", block)
        found = list(sub_bands(planes, wavelet, boundary, levels))
    expected = [*itertools.chain.from_iterable(reversed(details)), approximation]
    assert len(found) == len(expected)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-12)


def test_mean_square_is_of_full_precision() -> None:
    planes = np.random.default_rng(1).normal(1000, 1, size=(2, 300, 200)).astype(np.float32)
    expected = np.mean(planes.astype(np.float64) ** 2, axis=(1, 2))
    np.testing.assert_allclose(mean_square(planes), expected, rtol=1e-13)
