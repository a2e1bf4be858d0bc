"""Local binary patterns against scikit-image."""

import numpy as np
import pytest
from skimage.feature import local_binary_pattern

from skiagram.features.binary_patterns import pattern_levels, pattern_names, pattern_shares


@pytest.mark.parametrize("radius", [1, 2, 3])
def test_shares_equal_scikit_image(radius: int) -> None:
    images = np.random.default_rng(0).integers(0, 256, size=(3, 24, 31))
    images[:, 0, :2] = 0, 255  # so that levels are the intensities
    inside = slice(radius, -radius)
    expected = []
    for image in images.astype(np.uint8):
        padded = np.pad(image, radius, mode="symmetric")
        codes = local_binary_pattern(padded, 8, radius, "uniform")[inside, inside].astype(int)
        expected.append(np.bincount(codes.ravel(), minlength=10) / codes.size)
    np.testing.assert_allclose(
        pattern_shares(pattern_levels(images.astype(np.float64)), radius), expected
    )


@pytest.mark.parametrize("shape", [(1, 1), (3, 8)])
def test_flat_image_has_the_one_pattern_of_all_bright(shape: tuple[int, int]) -> None:
    found = pattern_shares(pattern_levels(np.full((1, *shape), 0.1)), radius=2)[0]
    assert dict(zip(pattern_names("x"), found, strict=True))["x_uniform_8"] == 1
