"""The ideal observer against a likelihood from dense covariance matrices."""

import itertools
import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from skiagram.datasets.phantom.observer import IdealObserver
from skiagram.datasets.phantom.tissue import (
    Nodule,
    centred_nodule,
    coloured,
    nodule_places,
    power_law_spectrum,
)

NOISE = 0.3


def covariance(spectrum: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return the covariance of vectorised fields, built from a linear map of white noise."""
    impulses = np.eye(math.prod(shape)).reshape(-1, *shape)
    root = np.stack([coloured(impulse, spectrum).ravel() for impulse in impulses])
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
