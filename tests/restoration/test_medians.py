"""Windows against SciPy and NumPy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy import ndimage

from skiagram.restoration.medians import gather, local_median, median, median_magnitude

NONE = np.zeros(0, dtype=bool)


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


@pytest.mark.parametrize("count", [1, 2, 9, 24])
def test_the_median_of_values_is_numpys(count: int) -> None:
    values = np.random.default_rng(count).normal(size=count).astype(np.float32)
    assert median(values.copy()) == pytest.approx(np.median(values), rel=1e-6)


VALUES = arrays(
    np.float32,
    st.integers(1, 60),
    elements=st.floats(-(2.0**100), 2.0**100, width=32) | st.sampled_from([0.0, 1.0, -1.0, 2.0]),
)


@settings(max_examples=200, deadline=None)
@given(values=VALUES, seed=st.integers(0, 99))
def test_the_median_is_numpys_to_the_bit(values: NDArray[np.float32], seed: int) -> None:
    magnitude = np.abs(values)
    assert median_magnitude(values, -1.0, NONE) == np.median(magnitude)
    left_out = np.random.default_rng(seed).random(values.shape) < 0.4
    known = magnitude[~left_out]
    expected = np.median(known) if len(known) else 0
    assert median_magnitude(values, -1.0, left_out) == expected


@pytest.mark.parametrize("count", [1, 2, 2001, 50_000])
def test_the_median_of_what_is_above_a_floor(count: int) -> None:
    values = np.random.default_rng(count).normal(size=count).astype(np.float32)
    values[::3] = 1e-7
    above = np.abs(values)[np.abs(values) > 1e-6]
    expected = np.median(above) if len(above) else 0
    assert median_magnitude(values, 1e-6, NONE) == expected
