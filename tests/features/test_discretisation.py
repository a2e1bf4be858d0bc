"""Grey levels and their shares."""

import numpy as np
import pytest

from skiagram.errors import DataError
from skiagram.features.discretisation import Discretisation


@pytest.mark.parametrize(
    ("number", "width", "intensities", "levels"),
    [
        (4, None, [0.0, 2.4, 2.6, 5.0, 9.9, 10.0], [1, 1, 2, 3, 4, 4]),
        (2, None, [0.0, 10.0, 20.0, 1000.0], [1, 2, 2, 0]),  # outside the region
        (None, 25.0, [-10.0, 14.9, 15.0, 40.0], [1, 1, 2, 3]),
    ],
)
def test_bins_cut_the_range_of_the_region_from_its_minimum(number, width, intensities, levels):
    image = np.array([[intensities]])
    found = Discretisation(bin_number=number, bin_width=width).grey_levels(image, image < 999)
    assert found.levels.tolist() == [[[levels]]]
    assert found.number == max(levels)


def test_as_many_levels_as_allowed_are_accepted_and_no_more():
    narrow = Discretisation(bin_number=None, bin_width=1.0)
    assert narrow.grey_levels(np.array([[[0.0, 2047.0]]])).number == 2048
    with pytest.raises(DataError, match="makes 2049 grey levels"):
        narrow.grey_levels(np.array([[[0.0, 2048.0]]]))


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.float32, np.float64])
def test_whole_numbers_have_the_levels_of_the_same_numbers_with_a_point(dtype):
    images = np.random.default_rng(0).integers(3, 120, size=(3, 9, 7))
    inside = np.random.default_rng(1).random(images.shape) < 0.6
    levels = Discretisation(bin_number=32, bin_width=None)
    expected = levels.grey_levels(images.astype(np.float64), inside)
    np.testing.assert_array_equal(
        levels.grey_levels(images.astype(dtype), inside).levels, expected.levels
    )
