"""Dependence counts against windows taken one by one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from skiagram.features.ngldm import dependence_counts

N_LEVELS = 4
shapes = array_shapes(min_dims=4, max_dims=4, max_side=5)
levels = arrays(np.uint16, shapes, elements=st.integers(0, N_LEVELS))


def dependences(image, distance, coarseness):
    """Return the dependence of each pixel of a region in a volume."""
    padded = np.pad(image.astype(int), distance)
    side = (2 * distance + 1,) * 3
    windows = np.lib.stride_tricks.sliding_window_view(padded, side)
    near = np.abs(windows - image[..., None, None, None].astype(int)) <= coarseness
    return np.sum(near & (windows > 0), axis=(3, 4, 5))


@pytest.mark.slow
@pytest.mark.parametrize(("distance", "coarseness"), [(1, 0), (1, 1), (2, 0), (3, 2)])
@given(images=levels)
def test_counts_are_those_of_windows(distance, coarseness, images):
    counts = dependence_counts(images, N_LEVELS, distance, coarseness)
    expected = np.zeros_like(counts)
    for index, image in enumerate(images):
        inside = image > 0
        found = dependences(image, distance, coarseness)[inside]
        np.add.at(expected, (index, found - 1, image[inside].astype(int) - 1), 1)
    np.testing.assert_array_equal(counts, expected)


def test_with_the_widest_coarseness_all_neighbours_depend():
    image = np.arange(1, 10, dtype=np.uint16).reshape(1, 1, 3, 3)
    found = dependence_counts(image, 9, 1, 255).sum(axis=2)
    assert found.tolist() == [[0, 0, 0, 4, 0, 4, 0, 0, 1]]  # corners, edges, the middle
