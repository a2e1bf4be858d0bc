"""Grey levels and their shares."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from skiagram.errors import DataError, OptionError
from skiagram.features.discretisation import Discretisation, entropy, histograms
from skiagram.options import check


def test_fixed_bin_number_cuts_the_range_into_equal_bins() -> None:
    image = np.array([[[0.0, 2.4, 2.6, 5.0, 9.9, 10.0]]])
    levels = Discretisation(bin_number=4, bin_width=None).levels(image)
    assert levels.tolist() == [[[0, 0, 1, 2, 3, 3]]]


def test_fixed_bin_width_counts_from_the_minimum() -> None:
    image = np.array([[[-10.0, 14.9, 15.0, 40.0]]])
    levels = Discretisation(bin_number=None, bin_width=25.0).levels(image)
    assert levels.tolist() == [[[0, 0, 1, 2]]]


def test_too_narrow_bins_are_refused_with_the_number_of_levels() -> None:
    image = np.array([[[0.0, 65535.0]]])
    with pytest.raises(DataError, match=r"bin width of 1 makes 65536 grey levels"):
        Discretisation(bin_number=None, bin_width=1.0).levels(image)


def test_widest_allowed_range_of_bins_is_accepted() -> None:
    image = np.array([[[0.0, 255.0]]])
    assert Discretisation(bin_number=None, bin_width=1.0).levels(image).max() == 255


@pytest.mark.parametrize(
    "values",
    [
        {"bin_number": 8, "bin_width": 2.0},
        {"bin_number": None, "bin_width": None},
        {"bin_number": 1, "bin_width": None},
        {"bin_number": None, "bin_width": 0.0},
    ],
)
def test_nonsense_is_refused_by_name(values: dict[str, float | None]) -> None:
    with pytest.raises(OptionError, match="levels"):
        check(Discretisation, values, "levels")


pixels = arrays(np.float32, (3, 4, 5), elements=st.floats(-(2.0**100), 2.0**100, width=32))


@given(pixels, st.integers(2, 256))
def test_levels_stay_in_range_and_keep_the_order(images: np.ndarray, bins: int) -> None:
    levels = Discretisation(bin_number=bins, bin_width=None).levels(images.astype(np.float64))
    assert levels.min() >= 0
    assert levels.max() < bins
    for image, level in zip(images, levels, strict=True):
        order = np.argsort(image.ravel(), kind="stable")
        assert (np.diff(level.ravel()[order]) >= 0).all()


def test_shares_and_entropy_equal_numpy_and_scipy() -> None:
    codes = np.random.default_rng(0).integers(0, 9, size=(3, 6, 7))
    shares = histograms(codes, 10)
    expected = np.stack([np.bincount(code.ravel(), minlength=10) / 42 for code in codes])
    np.testing.assert_array_equal(shares, expected)
    np.testing.assert_allclose(entropy(shares), stats.entropy(expected, base=2, axis=1))
