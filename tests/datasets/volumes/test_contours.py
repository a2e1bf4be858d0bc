"""Closed contours and the pixels within them; structure sets as files are in `test_masks`."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from skimage.measure import grid_points_in_poly

from skiagram.datasets.volumes.contours import fill_polygon


@settings(deadline=None, max_examples=20)
@given(arrays(np.float64, st.tuples(st.integers(3, 12), st.just(2)), elements=st.floats(-3, 25)))
def test_filled_polygons_are_those_of_scikit_image(corners: NDArray[np.float64]) -> None:
    corners = corners + np.array([1e-3 * np.pi, 1e-3 * np.e])  # no centre on an edge
    expected = grid_points_in_poly((20, 24), corners)
    np.testing.assert_array_equal(fill_polygon(corners, (20, 24)), expected)
