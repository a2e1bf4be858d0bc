"""Sub-bands are those of PyWavelets, however they are cut; statistics of sub-bands."""

import itertools
import warnings

import numpy as np
import pytest
import pywt
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from skiagram.features.batch import FeatureBatch
from skiagram.features.wavelet import Wavelet, mean_square, sub_bands
from tests.features.families import described


@settings(max_examples=40)
@given(
    st.tuples(st.integers(1, 3), st.integers(1, 40), st.integers(1, 40)),
    st.sampled_from(["haar", "db4", "bior2.2"]),
    st.sampled_from(["symmetric", "periodization"]),
    st.integers(1, 3),
    st.integers(1, 300),
)
def test_bands_equal_those_of_the_whole_transform(shape, wavelet, boundary, levels, block):
    planes = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Level value of .* is too high")
        approximation, *details = pywt.wavedec2(
            planes.astype(np.float64), wavelet, boundary, levels, axes=(1, 2)
        )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("skiagram.features.wavelet._BLOCK_VALUES", block)
        found = list(sub_bands(planes, wavelet, boundary, levels))
    expected = [*itertools.chain.from_iterable(reversed(details)), approximation]
    assert len(found) == len(expected)
    for ours, theirs in zip(found, expected, strict=True):
        assert_allclose(ours, theirs, atol=1e-12)


def test_mean_square_is_of_full_precision():
    planes = np.random.default_rng(1).normal(1000, 1, size=(2, 300, 200)).astype(np.float32)
    expected = np.mean(planes.astype(np.float64) ** 2, axis=(1, 2))
    assert_allclose(mean_square(planes), expected, rtol=1e-13)


def test_columns_are_the_bands_that_they_are_named_after():
    image = np.random.default_rng(1).normal(size=(30, 41))
    family = Wavelet(wavelet="sym4", levels=2, boundary="symmetric")
    found = described(family, image[None])
    approximation, (_, vertical, _), (horizontal, _, diagonal) = pywt.wavedec2(
        image, "sym4", level=2
    )
    for name, band in {
        "level_2_approximation": approximation,
        "level_2_vertical": vertical,
        "level_1_horizontal": horizontal,
        "level_1_diagonal": diagonal,
    }.items():
        expected = np.log(np.mean(band**2))
        assert_allclose(found[f"wavelet_{name}_log_energy"], expected, err_msg=name)


def test_constant_image_has_its_floor_in_every_detail():
    family = Wavelet(wavelet="db2", levels=2, boundary="symmetric")
    found = family.extract(FeatureBatch(np.full((1, 20, 20), 10, dtype=np.float32)))[0]
    assert_allclose(found[1:], np.log(1e-12 * 100))
    black = family.extract(FeatureBatch(np.zeros((1, 20, 20), dtype=np.float32)))
    assert np.isfinite(black).all()
