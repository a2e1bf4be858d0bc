"""Gabor responses against scikit-image."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from skimage.filters import gabor

from skiagram.features.batch import FeatureBatch
from skiagram.features.gabor import Gabor
from tests.features.families import described

FAMILY = Gabor(wavelengths=(4, 9), orientations=6, bandwidth=1.0)


def magnitude(image, wavelength, angle, bandwidth):
    centred = image.astype(np.float64) - image.astype(np.float64).mean()
    real, imaginary = gabor(centred, 1 / wavelength, np.radians(angle), bandwidth)
    return np.hypot(real, imaginary)


@pytest.mark.slow
@pytest.mark.parametrize("bandwidth", [1.0, 1.7])
@pytest.mark.parametrize("shape", [(28, 28), (40, 13), (1, 5)])
def test_features_equal_scikit_image(shape, bandwidth):
    images = np.random.default_rng(0).integers(0, 256, size=(2, *shape)).astype(np.float32)
    family = Gabor(wavelengths=(3, 8), orientations=6, bandwidth=bandwidth)
    found = family.extract(FeatureBatch(images))
    for row, image in enumerate(images):
        responses = [
            magnitude(image, wavelength, angle, bandwidth)
            for wavelength in (3, 8)
            for angle in range(0, 180, 30)
        ]
        expected = [moment for one in responses for moment in (one.mean(), one.std())]
        assert_allclose(found[row], expected, rtol=1e-7, atol=1e-6)


@pytest.mark.parametrize("angle", [0, 30, 60, 90, 120, 150])
def test_a_wave_answers_under_its_own_length_and_direction(angle):
    y, x = np.mgrid[:60, :60]
    along = np.cos(np.radians(angle)) * x + np.sin(np.radians(angle)) * y
    wave = np.cos(2 * np.pi * along / 9)[None].astype(np.float32)
    found = described(FAMILY, wave)
    strongest = max((name for name in found if name.endswith("_mean")), key=found.__getitem__)
    assert strongest == f"gabor_wavelength_9_orientation_{angle}_mean"
