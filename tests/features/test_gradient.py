"""Gradient magnitude on images whose gradient is known."""

import numpy as np
import pytest

from skiagram.features.batch import FeatureBatch
from skiagram.features.gradient import Gradient, gradient_moments


@pytest.mark.parametrize(("shape", "steepest"), [((1, 1), 0), ((1, 3), 2), ((3, 1), 2)])
def test_an_axis_of_one_pixel_has_no_gradient(shape, steepest):
    image = 2 * np.arange(max(shape), dtype=np.float64).reshape(1, *shape)
    assert gradient_moments(image, np.ones((1, 1, 1), np.bool_))[0, 2] == steepest


def test_statistics_are_those_of_the_gradient_of_numpy_within_the_region():
    generator = np.random.default_rng(0)
    images = generator.normal(size=(3, 9, 14))
    inside = generator.random(images.shape) < 0.3
    found = gradient_moments(images, inside)
    for row, (image, mask) in enumerate(zip(images, inside, strict=True)):
        magnitude = np.hypot(*np.gradient(image))[mask]
        expected = [magnitude.mean(), magnitude.var(), magnitude.max()]
        np.testing.assert_allclose(found[row], expected)


def test_family_looks_at_the_region_that_it_is_told():
    image = np.zeros((1, 12, 12), dtype=np.float32)
    image[0, 3:8, 3:8] = 50
    bright = Gradient(region="bright").extract(FeatureBatch(image))[0]
    whole = Gradient(region="whole").extract(FeatureBatch(image))[0]
    assert bright[0] > whole[0] > 0
    assert bright[2] == whole[2]
