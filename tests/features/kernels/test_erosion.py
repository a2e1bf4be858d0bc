"""Erosion and dilation with flat squares against SciPy."""

import numpy as np
import pytest
from scipy import ndimage

from skiagram.features.kernels.erosion import erode


@pytest.mark.parametrize("shape", [(1, 1), (7, 150), (90, 64), (65, 3)])
@pytest.mark.parametrize("radius", [1, 3, 8, 70])
def test_values_equal_scipy(shape: tuple[int, int], radius: int) -> None:
    images = np.random.default_rng(0).normal(size=(2, *shape)).astype(np.float32)
    size = (1, 2 * radius + 1, 2 * radius + 1)
    found = np.empty_like(images)
    erode(images, found, radius, -1)
    np.testing.assert_array_equal(found, ndimage.grey_dilation(images, size=size))
    erode(images, found, radius, 1)
    np.testing.assert_array_equal(found, ndimage.grey_erosion(images, size=size))
    erode(images, images, radius, 1)
    np.testing.assert_array_equal(images, found)
