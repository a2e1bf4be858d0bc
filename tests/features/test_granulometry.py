"""Erosion and dilation with flat squares against SciPy."""

import numpy as np
from numpy.testing import assert_allclose
from scipy import ndimage

from skiagram.features.batch import FeatureBatch
from skiagram.features.granulometry import Granulometry
from tests.features.families import described

FAMILY = Granulometry(radii=(1, 2, 5, 20))


def test_spectrum_is_what_openings_and_closings_of_scipy_take_away():
    image = np.random.default_rng(1).integers(0, 256, (40, 150)).astype(np.float64)
    image = ndimage.gaussian_filter(image, 1).astype(np.float32).astype(np.float64)
    found = FAMILY.extract(FeatureBatch(image[None].astype(np.float32)))[0]
    opened = [ndimage.grey_opening(image, size=2 * r + 1).mean() for r in (0, *FAMILY.radii)]
    closed = [ndimage.grey_closing(image, size=2 * r + 1).mean() for r in (0, *FAMILY.radii)]
    bright = -np.diff(opened) / (image.mean() - image.min())
    dark = np.diff(closed) / (image.max() - image.mean())
    assert_allclose(found, [*bright, *dark], rtol=1e-6)


def test_squares_stand_at_their_size_and_sign():
    image = np.full((1, 60, 60), 10, dtype=np.float32)
    image[0, 10:15, 10:15] = 14  # radius 2: taken away by the square of radius 5
    assert described(FAMILY, image)["granulometry_opening_radius_5"] == 1
    assert described(FAMILY, -image)["granulometry_closing_radius_5"] == 1
