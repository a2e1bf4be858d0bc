"""Box counting against boxes counted one by one, and on a plane."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import ndimage, signal

from skiagram.features.batch import FeatureBatch
from skiagram.features.fractal import Fractal, box_counting_dimension, ring_powers, spectral_slope
from skiagram.sources.phantom.image_model import colour_noise, power_law_spectrum


def counted(image, side):
    """Return the mean number of boxes over a square, box by box."""
    shorter = min(image.shape) - 1
    height = np.ptp(image) * side / shorter
    found = []
    for y in range(0, image.shape[0] - side, side):
        for x in range(0, image.shape[1] - side, side):
            square = image[y : y + side + 1, x : x + side + 1] - image.min()
            found.append(np.floor(square.max() / height) - np.floor(square.min() / height) + 1)
    return float(np.mean(found))


@pytest.mark.parametrize("shape", [(33, 33), (40, 57), (29, 28)])
def test_dimension_is_the_slope_of_boxes_counted_one_by_one(shape):
    image = np.random.default_rng(1).integers(0, 256, size=shape).astype(np.float64)
    sides = [side for side in (2, 4, 8, 16) if 2 * side <= min(shape) - 1]
    slope = np.polyfit(np.log(sides), np.log([counted(image, side) for side in sides]), 1)[0]
    assert_allclose(box_counting_dimension(image[None]), [2 - slope])


@pytest.mark.parametrize("side", [5, 16])
def test_rings_hold_the_mean_power_of_the_full_transform(side):
    image = np.random.default_rng(0).uniform(0, 1, (side, side))
    image[0, 0] = 1  # so that the image's scale is 1
    window = np.outer(*[signal.get_window("hann", side)] * 2)
    centred = window * (image - np.average(image, weights=window))
    frequency = np.fft.fftfreq(side, 1 / side)
    ring = np.rint(np.hypot(frequency[:, None], frequency)).astype(int)
    power = np.abs(np.fft.fft2(centred)) ** 2
    expected = ndimage.mean(power, ring, np.arange(ring.max() + 1))
    assert_allclose(ring_powers(image[None], side)[0], expected, atol=1e-12)


def test_slope_of_an_exact_power_law_is_its_exponent():
    cycles = np.arange(1, 21)
    law, flat, nothing = cycles**-3.0, np.ones(20), np.zeros(20)
    power = np.hstack([np.ones((3, 1)), np.stack([law, flat, nothing])])
    assert_allclose(spectral_slope(power, cycles[2:9]), [3, 0, 0], atol=1e-12)


FRACTAL = Fractal(tile=128, highest_frequency=0.25)


def tissue(exponent):
    """Return parts of generated tissue: unlike the whole, they do not go on at the other side."""
    generator = np.random.default_rng(0)
    spectrum = power_law_spectrum(256, exponent)
    whole = [colour_noise(generator.normal(size=(256, 256)), spectrum) for _ in range(6)]
    return np.stack(whole)[:, :160, :160]


@pytest.mark.slow
@pytest.mark.parametrize("exponent", [2.0, 2.5, 3.0, 3.5])
def test_slope_is_the_exponent_that_the_tissue_was_made_with(exponent):
    slope = FRACTAL.extract(FeatureBatch(tissue(exponent).astype(np.float32)))[:, 1]
    assert slope.mean() == pytest.approx(exponent, abs=0.12)


@pytest.mark.parametrize("shape", [(1, 1), (4, 4), (30, 2)])
def test_images_too_small_for_a_slope_are_planes_without_one(shape):
    image = np.random.default_rng(3).normal(size=(1, *shape)).astype(np.float32)
    assert FRACTAL.extract(FeatureBatch(image)).tolist() == [[2, 0]]
