"""Wavelet denoising against scikit-image and planted noise."""

import dataclasses
import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from skimage import data
from skimage.restoration import cycle_spin, denoise_wavelet, estimate_sigma

from skiagram.errors import OptionError
from skiagram.options import check
from skiagram.restoration.denoising import Denoising
from tests.restoration.phantom import film, psnr, tissue

OPTIONS = Denoising(
    method="BayesShrink", thresholding="soft", wavelet="db4", level=3, noise=None, shifts=0
)


def denoise(options, plane):
    clean = plane[None].copy()
    noise = options.denoise(clean)
    return clean[0], float(noise[0])


def noisy(name):
    clean = tissue(0, 97) if name == "tissue" else getattr(data, name)()[100:220, 60:181] / 255.0
    noise = np.random.default_rng(0).normal(size=clean.shape)
    return (clean + 0.1 * noise).astype(np.float32)


def both(method, thresholding, wavelet, level, noise):
    """Return equal options, ours and those of scikit-image."""
    options = {"method": method, "thresholding": thresholding, "wavelet": wavelet, "shifts": 0}
    ours = check(Denoising, {**options, "level": level, "noise": noise}, "denoising")
    theirs = {"method": method, "mode": thresholding, "wavelet": wavelet, "sigma": noise}
    return ours, {**theirs, "wavelet_levels": level, "rescale_sigma": False}


@pytest.mark.parametrize(
    ("image", "wavelet", "level", "noise"),
    [("tissue", "haar", 4, None), ("camera", "db4", 3, 0.07), ("brick", "sym8", 2, None)],
)
@pytest.mark.parametrize("method", ["BayesShrink", "VisuShrink"])
@pytest.mark.parametrize("thresholding", ["soft", "hard"])
def test_equal_settings_equal_scikit_image(image, method, thresholding, wavelet, level, noise):
    plane = noisy(image)
    ours, theirs = both(method, thresholding, wavelet, level, noise)
    expected = denoise_wavelet(plane.astype(np.float64), **theirs)
    clean, _ = denoise(ours, plane)
    assert clean.dtype == np.float32
    # a coefficient at a hard threshold may fall on either side of it
    assert np.mean(np.abs(clean - expected) > 2e-4) < (0.02 if thresholding == "hard" else 1e-9)
    assert psnr(clean, plane) == pytest.approx(psnr(expected, plane), abs=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("shifts", [1, 3])
@pytest.mark.parametrize("thresholding", ["soft", "hard"])
def test_cycle_spinning_equals_scikit_image(shifts, thresholding):
    plane = film(0).noisy[:61, :50]
    options = {"sigma": 0.3, "wavelet": "db4", "mode": thresholding, "wavelet_levels": 2}
    expected = cycle_spin(
        plane,
        denoise_wavelet,
        max_shifts=shifts,
        func_kw={**options, "rescale_sigma": False},
        workers=1,
    )
    ours = dataclasses.replace(
        OPTIONS, thresholding=thresholding, level=2, noise=0.3, shifts=shifts
    )
    assert_allclose(denoise(ours, plane)[0], expected, atol=1e-5)


@pytest.mark.parametrize("scale", [1e-38, 1e-30, 1e30, 1e38])
def test_the_extremes_of_float32_stay_finite(scale):
    plane = (film(0).clean / 10 * scale).astype(np.float32)
    clean, _ = denoise(OPTIONS, plane)
    assert np.isfinite(clean).all()
    assert np.abs(clean - plane).max() < np.ptp(plane)


def test_noise_estimate_equals_scikit_image_and_finds_what_was_planted():
    plane = film(0).noisy
    _, noise = denoise(dataclasses.replace(OPTIONS, wavelet="db2"), plane)
    assert noise == pytest.approx(estimate_sigma(plane), rel=1e-4)
    flat = np.random.default_rng(1).normal(50, 4, size=(128, 128)).astype(np.float32)
    assert denoise(OPTIONS, flat)[1] == pytest.approx(4, rel=0.05)


@pytest.mark.parametrize("grey", [0.0, 40.0, 93.7])
def test_a_plain_surround_does_not_hide_the_noise(grey):
    film = np.random.default_rng(2).normal(50, 4, size=(128, 128))
    surrounded = np.pad(film, 100, constant_values=grey).astype(np.float32)
    assert denoise(OPTIONS, surrounded)[1] == pytest.approx(4, rel=0.1)


@pytest.mark.parametrize("shape", [(1, 1), (1, 64), (7, 200), (13, 13)])
def test_images_too_small_for_a_level_pass_through(shape):
    plane = np.random.default_rng(3).normal(size=shape).astype(np.float32)
    clean, noise = denoise(OPTIONS, plane)
    assert_array_equal(clean, plane)
    assert math.isnan(noise)


@pytest.mark.parametrize("wavelet", ["db99", "bior4.4", "morl", ""])
def test_other_than_orthogonal_wavelets_are_refused_by_name(wavelet):
    with pytest.raises(OptionError, match=r"wavelet: .* orthogonal wavelet of PyWavelets: haar"):
        check(Denoising, {**dataclasses.asdict(OPTIONS), "wavelet": wavelet}, "denoising")
