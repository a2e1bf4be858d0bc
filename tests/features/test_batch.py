"""What families share of a batch."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from skimage.color import rgb2gray
from skimage.filters import threshold_otsu

from skiagram.errors import DataError
from skiagram.features.batch import FeatureBatch, bright_region
from skiagram.features.first_order import FirstOrder

IMAGES = np.random.default_rng(0).normal(size=(3, 6, 7)).astype(np.float32)
MASKS = np.ones((3, 6, 7), dtype=np.bool_)


@pytest.mark.parametrize("region", ["whole", "bright"])
def test_a_region_without_a_pixel_is_refused(region):
    masks = MASKS.copy()
    masks[1] = False
    family = FirstOrder(region=region)
    with pytest.raises(DataError, match=r"no pixel.*at least one pixel"):
        family.extract(FeatureBatch(IMAGES, masks))
    assert np.isfinite(family.extract(FeatureBatch(IMAGES, masks).row(0))).all()


def test_colour_becomes_luminance_as_in_scikit_image():
    images = np.random.default_rng(0).uniform(size=(2, 5, 6, 3)).astype(np.float32)
    found = FeatureBatch(images).luminance("texture")
    assert_allclose(found, rgb2gray(images), atol=5e-4)


def test_bright_region_is_above_the_threshold_of_scikit_image():
    images = np.random.default_rng(0).normal(90, 25, (4, 30, 20)).clip(0, 255)
    images[:, 8:20, 5:12] += 60
    images[:, 0, :2] = 0, 255
    images = images.clip(0, 255).round()
    inside = np.ones(images.shape, dtype=np.bool_)
    found = bright_region(images, inside)
    for row, image in enumerate(images):
        assert_array_equal(found[row], image > threshold_otsu(image.astype(np.uint8)))


def test_what_lies_outside_does_not_move_the_threshold():
    image = np.random.default_rng(1).normal(0, 1, (1, 16, 16))
    image[:, 4:9, 4:9] += 8
    inside = np.ones(image.shape, dtype=np.bool_)
    inside[:, :, 12:] = False
    spoiled = np.where(inside, image, 1e6)
    found = bright_region(spoiled, inside)
    assert not found[~inside].any()
    assert_array_equal(found[:, :, :12], bright_region(image[:, :, :12], inside[:, :, :12]))


def test_constant_intensities_are_all_bright():
    inside = np.zeros((1, 5, 5), dtype=np.bool_)
    inside[0, 1:3] = True
    assert_array_equal(bright_region(np.full((1, 5, 5), 0.1), inside), inside)


def test_bright_voxels_of_a_volume_are_those_of_its_slices_side_by_side():
    volumes = np.random.default_rng(0).normal(size=(2, 4, 5, 6)).astype(np.float32)
    found = FeatureBatch(volumes[..., None]).region("bright", "a")
    beside = FeatureBatch(volumes.reshape(2, 20, 6)).region("bright", "a")
    assert_array_equal(found, beside.reshape(volumes.shape))
