"""Windows against SciPy and NumPy."""

import numpy as np
import pytest
from scipy import ndimage

from skiagram.restoration.missing import gather
from skiagram.restoration.outliers import local_median


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (2, 3), (17, 31), (70, 600), (600, 7)])
@pytest.mark.parametrize("radius", [1, 2, 4])
def test_local_median_equals_scipy(shape: tuple[int, int], radius: int) -> None:
    plane = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    expected = ndimage.median_filter(plane, 2 * radius + 1, mode="mirror")
    np.testing.assert_array_equal(local_median(plane, radius), expected)


def test_pixels_around_a_pixel_leave_out_what_is_masked_and_what_is_outside() -> None:
    rng = np.random.default_rng(1)
    plane = rng.permutation(63).reshape(9, 7).astype(np.float32)
    left_out = rng.random(plane.shape) > 0.7
    at = np.indices(plane.shape)
    for row, column in np.argwhere(np.ones_like(left_out)):
        distance = np.maximum(abs(at[0] - row), abs(at[1] - column))
        for inner, outer in ((0, 1), (0, 3), (1, 1), (3, 3), (2, 8)):
            values = np.empty(63, np.float32)
            count = gather(plane, left_out, row, column, inner, outer, values)
            expected = plane[(inner <= distance) & (distance <= outer) & ~left_out]
            np.testing.assert_array_equal(values[:count], expected)
