"""Power spectra against NumPy's full transform, and a power law whose exponent is known."""

import numpy as np
import pytest
from scipy import ndimage, signal

from skiagram.features.statistics.power_spectrum import ring_powers, spectral_slope


@pytest.mark.parametrize("side", [5, 16])
def test_rings_hold_the_mean_power_of_the_full_transform(side: int) -> None:
    image = np.random.default_rng(0).uniform(0, 1, (side, side))
    image[0, 0] = 1  # so that the image's scale is 1
    window = np.outer(*[signal.get_window("hann", side)] * 2)
    centred = window * (image - np.average(image, weights=window))
    frequency = np.fft.fftfreq(side, 1 / side)
    ring = np.rint(np.hypot(frequency[:, None], frequency)).astype(int)
    power = np.abs(np.fft.fft2(centred)) ** 2
    expected = ndimage.mean(power, ring, np.arange(ring.max() + 1))
    np.testing.assert_allclose(ring_powers(image[None], side)[0], expected, atol=1e-12)


def test_power_of_a_wave_stands_in_its_ring() -> None:
    x = np.arange(64)
    power = ring_powers(np.tile(np.cos(2 * np.pi * 9 * x / 64), (1, 90, 1)), 64)[0]
    assert power.argmax() == 9
    assert power[[3, 20]].max() < 1e-12 * power[9]


def test_slope_of_an_exact_power_law_is_its_exponent() -> None:
    cycles = np.arange(1, 21)
    law, flat, nothing = cycles**-3.0, np.ones(20), np.zeros(20)
    power = np.hstack([np.ones((3, 1)), np.stack([law, flat, nothing])])
    np.testing.assert_allclose(spectral_slope(power, cycles[2:9]), [3, 0, 0], atol=1e-12)
