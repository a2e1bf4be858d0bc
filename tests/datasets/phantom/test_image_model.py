"""Spectra and nodule against their definitions."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from skiagram.datasets.phantom.image_model import (
    IdealObserver,
    Nodule,
    centred_nodule,
    colour_noise,
    nodule_places,
    power_law_spectrum,
)


@settings(deadline=None, max_examples=50)
@given(size=st.integers(16, 65), exponent=st.floats(0, 4))
def test_tissue_has_unit_variance_by_its_spectrum(size: int, exponent: float) -> None:
    impulse = np.zeros((size, size))
    impulse[0, 0] = 1
    response = colour_noise(impulse, power_law_spectrum(size, exponent))
    assert (response**2).sum() == pytest.approx(1, rel=1e-9)


def test_spectrum_falls_with_the_exponent() -> None:
    spectrum = power_law_spectrum(64, 3.0)
    assert spectrum[0, 4] / spectrum[0, 8] == pytest.approx(2**3)
    assert spectrum[3, 4] / spectrum[6, 8] == pytest.approx(2**3)
    assert spectrum[-5, 0] == spectrum[5, 0]
    assert spectrum[0, 0] == spectrum[0, 1]


def test_generated_tissue_has_the_nominal_spectrum() -> None:
    size, fields = 16, 600
    spectrum = power_law_spectrum(size, 3.0)
    white = np.random.default_rng(0).standard_normal((fields, size, size))
    transformed = np.fft.rfft2([colour_noise(field, spectrum) for field in white])
    ratio = (np.abs(transformed) ** 2).mean(axis=0) / (size**2 * spectrum)
    assert ratio.mean() == pytest.approx(1, abs=0.02)
    assert np.all(np.abs(ratio - 1) < 6 * np.sqrt(2 / fields))


def test_nodule_has_the_published_profile() -> None:
    nodule = centred_nodule(64, Nodule(amplitude=1.4, radius=5.0, places=1, spacing=1))
    assert nodule[0, 0] == 1.4
    assert nodule[3, 0] == pytest.approx(1.4 * (1 - 9 / 25) ** 1.5)
    assert nodule[0, -4] == pytest.approx(1.4 * (1 - 16 / 25) ** 1.5)
    assert nodule[5, 0] == nodule[4, 4] == 0


def test_the_projection_of_the_nodule_in_a_volume_has_the_published_profile() -> None:
    options = Nodule(amplitude=1.4, radius=20.0, places=1, spacing=1)
    projected = centred_nodule(64, options, axes=3).sum(axis=0)
    published = centred_nodule(64, options)
    np.testing.assert_allclose(projected / projected[0, 0], published / 1.4, atol=2e-3)


@pytest.mark.parametrize("size", [12, 13])
def test_tissue_of_a_volume_has_unit_variance_and_the_spectrum_of_its_slices(size: int) -> None:
    spectrum = power_law_spectrum(size, 3.0, axes=3)
    impulse = np.zeros((size, size, size))
    impulse[0, 0, 0] = 1
    assert (colour_noise(impulse, spectrum) ** 2).sum() == pytest.approx(1, rel=1e-9)
    through_the_origin = power_law_spectrum(size, 3.0)
    for plane in (spectrum[0], spectrum[:, 0]):
        np.testing.assert_allclose(
            plane / plane[0, 1], through_the_origin / through_the_origin[0, 1], rtol=1e-12
        )


def test_places_are_centred_on_the_image() -> None:
    options = Nodule(amplitude=1.4, radius=5.0, places=21, spacing=2)
    np.testing.assert_array_equal(nodule_places(64, options), np.arange(12, 53, 2))


NOISE = 0.3


def covariance(spectrum: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return the covariance of vectorised fields, built from a linear map of white noise."""
    impulses = np.eye(math.prod(shape)).reshape(-1, *shape)
    root = np.stack([colour_noise(impulse, spectrum).ravel() for impulse in impulses])
    dense: NDArray[np.float64] = root @ root.T + NOISE**2 * np.eye(len(root))
    return dense


@pytest.mark.parametrize(("size", "axes"), [(8, 2), (9, 2), (4, 3), (5, 3)])
@pytest.mark.parametrize(("amplitude", "exponent"), [(1.4, 2.5), (0.0, 2.5), (1.4, 3.0)])
def test_score_is_the_log_likelihood_ratio(
    size: int, axes: int, amplitude: float, exponent: float
) -> None:
    options = Nodule(amplitude=amplitude, radius=2.0, places=3 if axes == 2 else 2, spacing=2)
    nodule, places = centred_nodule(size, options, axes), nodule_places(size, options)
    normal, abnormal = (power_law_spectrum(size, each, axes) for each in (3.0, exponent))
    observer = IdealObserver(normal + NOISE**2, abnormal + NOISE**2, nodule, places)

    every = itertools.product(places, repeat=axes)
    means = [np.roll(nodule, place, tuple(range(axes))).ravel() for place in every]
    shape = (size,) * axes
    healthy = multivariate_normal(np.zeros(size**axes), covariance(normal, shape))
    ill = [multivariate_normal(mean, covariance(abnormal, shape)) for mean in means]
    generator = np.random.default_rng(0)
    for image in (healthy.rvs(random_state=generator), ill[4].rvs(random_state=generator)):
        expected = logsumexp([law.logpdf(image) for law in ill]) - np.log(len(ill))
        expected -= healthy.logpdf(image)
        score = observer.log_likelihood_ratio(image.reshape(shape))
        assert score == pytest.approx(expected, abs=1e-8)
