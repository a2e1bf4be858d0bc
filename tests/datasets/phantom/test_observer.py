"""The ideal observer against a likelihood from dense covariance matrices."""

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


def covariance(spectrum: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Return the covariance of vectorised fields, built from a linear map of white noise."""
    impulses = np.eye(size**2).reshape(-1, size, size)
    root = np.stack([coloured(impulse, spectrum).ravel() for impulse in impulses])
    dense: NDArray[np.float64] = root @ root.T + NOISE**2 * np.eye(size**2)
    return dense


@pytest.mark.parametrize("size", [8, 9])
@pytest.mark.parametrize(("amplitude", "exponent"), [(1.4, 2.5), (0.0, 2.5), (1.4, 3.0)])
def test_score_is_the_log_likelihood_ratio(size: int, amplitude: float, exponent: float) -> None:
    options = Nodule(amplitude=amplitude, radius=2.0, places=3, spacing=2)
    nodule, places = centred_nodule(size, options), nodule_places(size, options)
    normal, abnormal = power_law_spectrum(size, 3.0), power_law_spectrum(size, exponent)
    observer = IdealObserver(normal + NOISE**2, abnormal + NOISE**2, nodule, places)

    means = [np.roll(nodule, (row, column), (0, 1)).ravel() for row in places for column in places]
    healthy = multivariate_normal(np.zeros(size**2), covariance(normal, size))
    ill = [multivariate_normal(mean, covariance(abnormal, size)) for mean in means]
    generator = np.random.default_rng(0)
    for image in (healthy.rvs(random_state=generator), ill[4].rvs(random_state=generator)):
        expected = logsumexp([law.logpdf(image) for law in ill]) - np.log(len(ill))
        expected -= healthy.logpdf(image)
        score = observer.log_likelihood_ratio(image.reshape(size, size))
        assert score == pytest.approx(expected, abs=1e-8)
