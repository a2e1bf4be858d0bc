"""Wavelet denoising against scikit-image and planted noise."""

import dataclasses
import math
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data
from skimage.restoration import denoise_wavelet, estimate_sigma

from skiagram.errors import OptionError
from skiagram.options import check
from skiagram.restoration.denoising import Denoising
from tests.restoration.phantom import Plane, film, psnr, restoration, tissue

OPTIONS = Denoising(
    method="BayesShrink", thresholding="soft", wavelet="db4", level=3, noise=None, shifts=0
)


def denoise(options: Denoising, plane: Plane) -> tuple[Plane, float]:
    clean, noise = options.denoise(plane[None])
    return clean[0], float(noise[0])


def noisy(name: str) -> Plane:
    clean = tissue(0, 97) if name == "tissue" else getattr(data, name)()[100:220, 60:181] / 255.0
    noise = np.random.default_rng(0).normal(size=clean.shape)
    return (clean + 0.1 * noise).astype(np.float32)


@pytest.mark.parametrize("image", ["tissue", "camera", "brick"])
@pytest.mark.parametrize("method", ["BayesShrink", "VisuShrink"])
@pytest.mark.parametrize("thresholding", ["soft", "hard"])
@pytest.mark.parametrize(("wavelet", "level"), [("haar", 4), ("db4", 3), ("sym8", 2)])
@pytest.mark.parametrize("noise", [None, 0.07])
def test_equal_settings_equal_scikit_image(
    image: str, method: str, thresholding: str, wavelet: str, level: int, noise: float | None
) -> None:
    plane = noisy(image)
    options = {"method": method, "thresholding": thresholding, "wavelet": wavelet, "shifts": 0}
    ours = check(Denoising, {**options, "level": level, "noise": noise}, "denoising")
    expected = denoise_wavelet(
        plane.astype(np.float64),
        sigma=noise,
        wavelet=wavelet,
        mode=thresholding,
        wavelet_levels=level,
        method=method,
        rescale_sigma=False,
    )
    clean, _ = denoise(ours, plane)
    assert clean.dtype == np.float32
    # a coefficient at a hard threshold may fall on either side of it
    assert np.mean(np.abs(clean - expected) > 2e-4) < (0.02 if thresholding == "hard" else 1e-9)
    assert psnr(clean, plane) == pytest.approx(psnr(expected, plane), abs=0.01)


def test_noise_estimate_equals_scikit_image_and_finds_what_was_planted() -> None:
    plane = film(0).noisy
    _, noise = denoise(dataclasses.replace(OPTIONS, wavelet="db2"), plane)
    assert noise == pytest.approx(estimate_sigma(plane), rel=1e-4)
    flat = np.random.default_rng(1).normal(50, 4, size=(128, 128)).astype(np.float32)
    assert denoise(OPTIONS, flat)[1] == pytest.approx(4, rel=0.05)


def test_a_black_surround_does_not_hide_the_noise() -> None:
    surrounded = np.pad(np.random.default_rng(2).normal(50, 4, size=(128, 128)), 100)
    assert denoise(OPTIONS, surrounded.astype(np.float32))[1] == pytest.approx(4, rel=0.1)


@pytest.mark.parametrize(("method", "gain"), [("BayesShrink", 2.5), ("VisuShrink", 0.5)])
def test_denoising_brings_the_image_nearer_to_the_truth(
    method: Literal["BayesShrink", "VisuShrink"], gain: float
) -> None:
    clean = tissue(5)
    plane = clean + np.random.default_rng(5).normal(0, 0.6, clean.shape).astype(np.float32)
    denoised, _ = denoise(dataclasses.replace(OPTIONS, method=method), plane)
    assert psnr(denoised, clean) > psnr(plane, clean) + gain


@pytest.mark.parametrize("shape", [(1, 1), (1, 64), (7, 200), (13, 13)])
def test_images_too_small_for_a_level_pass_through(shape: tuple[int, int]) -> None:
    plane = np.random.default_rng(3).normal(size=shape).astype(np.float32)
    clean, noise = denoise(OPTIONS, plane)
    np.testing.assert_array_equal(clean, plane)
    assert math.isnan(noise)


@pytest.mark.parametrize("shape", [(15, 17), (28, 29), (64, 33)])
def test_odd_sizes_and_too_many_levels_keep_the_size(shape: tuple[int, int]) -> None:
    plane = np.random.default_rng(4).normal(size=shape).astype(np.float32)
    clean, noise = denoise(dataclasses.replace(OPTIONS, level=12), plane)
    assert clean.shape == shape
    assert noise > 0


def test_given_noise_is_used_in_intensity_units() -> None:
    plane = 1000 * film(0).noisy
    strong, used = denoise(dataclasses.replace(OPTIONS, noise=3000.0), plane)
    assert used == pytest.approx(3000)
    assert strong.std() < denoise(OPTIONS, plane)[0].std()


@settings(max_examples=30)
@given(value=st.floats(-1e6, 1e6, width=32))
def test_a_constant_image_is_unchanged(value: float) -> None:
    plane = np.full((32, 32), value, np.float32)
    np.testing.assert_array_equal(denoise(OPTIONS, plane)[0], plane)


@settings(max_examples=20)
@given(scale=st.floats(0.01, 100), offset=st.floats(-100, 100))
def test_denoising_follows_a_change_of_units(scale: float, offset: float) -> None:
    plane = film(5).noisy
    np.testing.assert_allclose(
        denoise(OPTIONS, (plane + np.float32(offset)) * np.float32(scale))[0],
        (denoise(OPTIONS, plane)[0] + np.float32(offset)) * np.float32(scale),
        atol=2e-4 * scale,
        rtol=1e-6,
    )


@pytest.mark.parametrize("wavelet", ["db99", "bior4.4", "morl", ""])
def test_other_than_orthogonal_wavelets_are_refused_by_name(wavelet: str) -> None:
    with pytest.raises(OptionError, match=r"wavelet: .* orthogonal wavelet of PyWavelets: haar"):
        check(Denoising, {**dataclasses.asdict(OPTIONS), "wavelet": wavelet}, "denoising")


def test_the_default_options_are_the_ones_tested_here() -> None:
    assert restoration("wavelet").denoising == OPTIONS
