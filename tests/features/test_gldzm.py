"""Distances of zones against SciPy's taxicab distances."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.ndimage import distance_transform_cdt
from skimage.measure import label

from skiagram.features.gldzm import distance_zones
from skiagram.features.neighbours import equal_neighbours, zone_forest

planes = array_shapes(min_dims=2, max_dims=2, max_side=12).map(lambda shape: (1, *shape))
volumes = array_shapes(min_dims=3, max_dims=3, min_side=2, max_side=7)
few_outside = st.sampled_from([0, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2])
levels = arrays(np.uint16, st.one_of(planes, volumes), elements=few_outside)


def zones(levels, number):
    """Return the counts of images by distance and level."""
    forest = zone_forest(levels, equal_neighbours(levels))
    found, pixels = distance_zones(levels, levels > 0, forest, number)
    assert pixels.tolist() == np.count_nonzero(levels, axis=(1, 2, 3)).tolist()
    return found


def counts(image):
    """Return the counts of one image by distance and level."""
    return zones(image[None], 2)[0]


@pytest.mark.slow
@given(levels)
def test_a_zone_is_as_near_as_its_nearest_pixel(image):
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
