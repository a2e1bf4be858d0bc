"""Spectra and nodule against their definitions."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from skiagram.sources.phantom.image_model import (
    IdealObserver,
    Nodule,
    centred_nodule,
    colour_noise,
    nodule_places,
    power_law_spectrum,
)


@settings(deadline=None, max_examples=20)
@given(size=st.integers(16, 65), exponent=st.floats(0, 4))
def test_tissue_has_unit_variance_by_its_spectrum(size, exponent):
    impulse = np.zeros((size, size))
    impulse[0, 0] = 1
    response = colour_noise(impulse, power_law_spectrum(size, exponent))
    assert (response**2).sum() == pytest.approx(1, rel=1e-9)


def test_nodule_has_the_published_profile():
    nodule = centred_nodule(64, Nodule(amplitude=1.4, radius=5.0, places=1, spacing=1))
    assert nodule[0, 0] == 1.4
    assert nodule[3, 0] == pytest.approx(1.4 * (1 - 9 / 25) ** 1.5)
    assert nodule[0, -4] == pytest.approx(1.4 * (1 - 16 / 25) ** 1.5)
    assert nodule[5, 0] == nodule[4, 4] == 0


NOISE = 0.3


def covariance(spectrum, shape):
    """Return the covariance of vectorised fields, built from a linear map of white noise."""
    impulses = np.eye(math.prod(shape)).reshape(-1, *shape)
    root = np.stack([colour_noise(impulse, spectrum).ravel() for impulse in impulses])
    return root @ root.T + NOISE**2 * np.eye(len(root))


@pytest.mark.parametrize(("size", "axes"), [(8, 2), (9, 2), (4, 3), (5, 3)])
@pytest.mark.parametrize(("amplitude", "exponent"), [(1.4, 2.5), (0.0, 2.5), (1.4, 3.0)])
def test_score_is_the_log_likelihood_ratio(size, axes, amplitude, exponent):
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
