"""Regions against scikit-image's threshold."""

import numpy as np
from skimage.filters import threshold_otsu

from skiagram.features.region import bright_region


def test_bright_region_is_above_the_threshold_of_scikit_image() -> None:
    images = np.random.default_rng(0).normal(90, 25, (4, 30, 20)).clip(0, 255)
    images[:, 8:20, 5:12] += 60
    images[:, 0, :2] = 0, 255
    images = images.clip(0, 255).round()
    inside = np.ones(images.shape, dtype=np.bool_)
    found = bright_region(images, inside)
    for row, image in enumerate(images):
        np.testing.assert_array_equal(found[row], image > threshold_otsu(image.astype(np.uint8)))


def test_what_lies_outside_does_not_move_the_threshold() -> None:
    image = np.random.default_rng(1).normal(0, 1, (1, 16, 16))
    image[:, 4:9, 4:9] += 8
    inside = np.ones(image.shape, dtype=np.bool_)
    inside[:, :, 12:] = False
    spoiled = np.where(inside, image, 1e6)
    found = bright_region(spoiled, inside)
    assert not found[~inside].any()
    np.testing.assert_array_equal(
        found[:, :, :12], bright_region(image[:, :, :12], inside[:, :, :12])
    )


def test_constant_intensities_are_all_bright() -> None:
    inside = np.zeros((1, 5, 5), dtype=np.bool_)
    inside[0, 1:3] = True
    np.testing.assert_array_equal(bright_region(np.full((1, 5, 5), 0.1), inside), inside)
