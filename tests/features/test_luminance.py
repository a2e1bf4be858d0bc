"""Reduction of colour."""

import numpy as np
import pytest
from skimage.color import rgb2gray

from skiagram.errors import DataError
from skiagram.features.luminance import luminance


def test_colour_becomes_luminance_as_in_scikit_image() -> None:
    images = np.random.default_rng(0).uniform(size=(2, 5, 6, 3)).astype(np.float32)
    np.testing.assert_allclose(luminance(images, "texture"), rgb2gray(images), atol=5e-4)


def test_one_channel_is_taken_as_it_is() -> None:
    images = np.arange(12, dtype=np.float32).reshape(1, 3, 4)
    np.testing.assert_array_equal(luminance(images, "texture"), images)


def test_other_channels_are_refused_naming_the_family() -> None:
    with pytest.raises(DataError, match="`texture` is not defined for 4 channels"):
        luminance(np.zeros((1, 3, 4, 4), dtype=np.float32), "texture")
