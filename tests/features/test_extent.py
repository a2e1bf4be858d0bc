"""Length and width of the bright region against scikit-image."""

import numpy as np
from scipy.ndimage import gaussian_filter
from skimage.draw import ellipse
from skimage.filters import threshold_otsu
from skimage.measure import regionprops

from skiagram.features.extent import Extent, bright_region, principal_axes


def test_axes_of_an_ellipse_are_its_own_and_those_of_scikit_image() -> None:
    region = np.zeros((1, 80, 90), dtype=bool)
    region[0][ellipse(38, 47, 10, 30, rotation=0.5)] = True
    major, minor = principal_axes(region)
    properties = regionprops(region[0].astype(np.uint8))[0]
    np.testing.assert_allclose(
        [major[0], minor[0]], [properties.axis_major_length, properties.axis_minor_length]
    )
    np.testing.assert_allclose([major[0], minor[0]], [60, 20], rtol=0.02)


def test_bright_region_is_the_one_of_otsu_in_scikit_image() -> None:
    noise = np.random.default_rng(0).normal(size=(3, 40, 50))
    smooth = gaussian_filter(noise, (0, 3, 3))
    low, high = smooth.min(axis=(1, 2), keepdims=True), smooth.max(axis=(1, 2), keepdims=True)
    images = np.floor((smooth - low) / (high - low) * 255.999)
    expected = np.stack([image > threshold_otsu(image.astype(np.uint8)) for image in images])
    np.testing.assert_array_equal(bright_region(images), expected)


def test_image_without_a_bright_region_has_length_zero() -> None:
    found = dict(zip(Extent.names("x"), Extent(np.full((1, 5, 8), 3.0)).columns()[0], strict=True))
    assert found == {
        "x_image_height": 5,
        "x_image_width": 8,
        "x_region_length": 0,
        "x_region_width": 0,
    }
