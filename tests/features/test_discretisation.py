"""Grey levels and their shares."""

import numpy as np
import pytest

from skiagram.errors import DataError
from skiagram.features.discretisation import Discretisation


@pytest.mark.slow
def test_fixed_bin_number_cuts_the_range_into_equal_bins():
    image = np.array([[[0.0, 2.4, 2.6, 5.0, 9.9, 10.0]]])
    found = Discretisation(bin_number=4, bin_width=None).grey_levels(image)
    assert found.levels.tolist() == [[[[1, 1, 2, 3, 4, 4]]]]
    assert found.number == 4


def test_fixed_bin_width_counts_from_the_minimum():
    image = np.array([[[-10.0, 14.9, 15.0, 40.0]]])
    found = Discretisation(bin_number=None, bin_width=25.0).grey_levels(image)
    assert found.levels.tolist() == [[[[1, 1, 2, 3]]]]
    assert found.number == 3


def test_as_many_levels_as_allowed_are_accepted_and_no_more():
    narrow = Discretisation(bin_number=None, bin_width=1.0)
    assert narrow.grey_levels(np.array([[[0.0, 2047.0]]])).number == 2048
    with pytest.raises(DataError, match="makes 2049 grey levels"):
        narrow.grey_levels(np.array([[[0.0, 2048.0]]]))


def test_a_region_has_its_own_range_and_the_rest_is_level_0():
    image = np.array([[[0.0, 10.0, 20.0, 1000.0]]])
    inside = np.array([[[True, True, True, False]]])
    found = Discretisation(bin_number=2, bin_width=None).grey_levels(image, inside)
    assert found.levels.tolist() == [[[[1, 2, 2, 0]]]]


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.float32, np.float64])
def test_whole_numbers_have_the_levels_of_the_same_numbers_with_a_point(dtype):
    images = np.random.default_rng(0).integers(3, 120, size=(3, 9, 7))
    inside = np.random.default_rng(1).random(images.shape) < 0.6
    levels = Discretisation(bin_number=32, bin_width=None)
    expected = levels.grey_levels(images.astype(np.float64), inside)
    np.testing.assert_array_equal(
        levels.grey_levels(images.astype(dtype), inside).levels, expected.levels
    )
