"""Distances of zones against SciPy's taxicab distances."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.ndimage import distance_transform_cdt
from skimage.measure import label

from skiagram.features.kernels.distance_zone import distance_zones
from skiagram.features.kernels.zones import zone_forest

planes = array_shapes(min_dims=2, max_dims=2, max_side=12).map(lambda shape: (1, *shape))
volumes = array_shapes(min_dims=3, max_dims=3, min_side=2, max_side=7)
few_outside = st.sampled_from([0, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2])
levels = arrays(np.uint16, st.one_of(planes, volumes), elements=few_outside)


def counts(image: np.ndarray) -> np.ndarray:
    """Return the counts of one image by distance and level."""
    found: np.ndarray = distance_zones(image[None], zone_forest(image[None]), 2)[0]
    return found


@given(levels)
def test_a_zone_is_as_near_as_its_nearest_pixel(image: np.ndarray) -> None:
    sides = [int(image.shape[0] > 1), 1, 1]  # a plane has no border above and below
    around = np.pad(image > 0, [(side, side) for side in sides])
    inside = distance_transform_cdt(around, "taxicab")[around.nonzero()]
    distance = np.zeros(image.shape, dtype=np.int64)
    distance[image > 0] = inside
    expected = np.zeros_like(counts(image))
    labels = label(image, background=0, connectivity=3)
    for zone in range(1, labels.max() + 1):
        at = labels == zone
        expected[distance[at].min() - 1, image[at][0] - 1] += 1
    np.testing.assert_array_equal(counts(image), expected)


@pytest.mark.parametrize("shape", [(1, 5, 5), (5, 5, 5), (1, 6, 9), (7, 6, 9)])
def test_the_middle_is_half_the_smaller_side_away(shape: tuple[int, ...]) -> None:
    image = np.ones(shape, dtype=np.uint16)
    image[tuple(side // 2 for side in shape)] = 2
    smaller = min(side for side in shape if side > 1)
    assert counts(image)[(smaller + 1) // 2 - 1].tolist() == [0, 1]
