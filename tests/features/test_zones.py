"""Means of zones against block averages."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from skimage.measure import block_reduce

from skiagram.features.batch import FeatureBatch
from skiagram.features.zones import Zones


def zone_means(images):
    return Zones(number=4).extract(FeatureBatch(images))


def test_zones_are_block_means_where_their_number_divides_the_size():
    images = np.random.default_rng(0).normal(size=(2, 12, 20))
    expected = [block_reduce(image, (3, 5), np.mean).ravel() for image in images]
    assert_allclose(zone_means(images), expected)
    assert Zones(number=4).names()[1] == "zones_1_2_mean"


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (5, 7), (31, 29)])
def test_zones_of_any_size_lie_within_the_intensities(shape):
    image = np.random.default_rng(1).normal(size=(1, *shape))
    means = zone_means(image)
    assert means.shape == (1, 16)
    assert image.min() - 1e-12 <= means.min() <= means.max() <= image.max() + 1e-12
    assert_allclose(zone_means(np.ones((1, *shape))), 1)
