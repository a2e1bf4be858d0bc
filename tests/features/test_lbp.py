"""Local binary patterns against scikit-image."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from skimage.feature import local_binary_pattern

from skiagram.features.batch import FeatureBatch
from skiagram.features.discretisation import Discretisation
from skiagram.features.lbp import LocalBinaryPatterns
from tests.features.families import described

LEVELS = Discretisation(bin_number=256, bin_width=None)


def noise(*shape):
    images = np.random.default_rng(0).integers(0, 256, size=shape).astype(np.float32)
    images[:, 0, :2] = 0, 255  # so that levels are the intensities
    return images


def codes(image, radius, neighbours):
    """Return scikit-image's codes, the image going on beyond its border as its mirror image."""
    padded = np.pad(image.astype(np.uint8), radius, mode="symmetric")
    found = local_binary_pattern(padded, neighbours, radius, "uniform")
    return found[radius:-radius, radius:-radius].astype(int)


@pytest.mark.parametrize("neighbours", [8, 12, 24])
def test_shares_equal_scikit_image(neighbours):
    images = noise(4, 31, 24)
    family = LocalBinaryPatterns(levels=LEVELS, radii=(1, 2, 3, 5), neighbours=neighbours)
    found = family.extract(FeatureBatch(images)).reshape(4, 4, neighbours + 2)
    for row, image in enumerate(images):
        for column, radius in enumerate(family.radii):
            expected = np.bincount(
                codes(image, radius, neighbours).ravel(), minlength=neighbours + 2
            )
            assert_allclose(found[row, column], expected / image.size)


def test_pixels_of_the_region_count_and_their_neighbours_outside_are_seen():
    image = noise(1, 20, 20)
    mask = np.zeros((1, 20, 20), np.bool_)
    mask[0, 5:11, 3:9] = True
    family = LocalBinaryPatterns(levels=LEVELS, radii=(2,), neighbours=8)
    expected = np.bincount(codes(image[0], 2, 8)[mask[0]], minlength=10) / 36
    assert_allclose(family.extract(FeatureBatch(image, mask))[0], expected)


@pytest.mark.parametrize("shape", [(1, 1), (3, 8)])
def test_flat_image_has_the_one_pattern_of_all_bright(shape):
    family = LocalBinaryPatterns(levels=LEVELS, radii=(2,), neighbours=12)
    found = described(family, np.full((1, *shape), 0.1, np.float32))
    assert found["lbp_radius_2_uniform_12"] == 1
