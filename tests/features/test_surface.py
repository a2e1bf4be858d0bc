"""The mesh against bodies whose measures are known, and against scikit-image."""

import numpy as np
import pytest
from scipy.special import eval_legendre

from skiagram.features.surface import ellipsoid_area, extent


def test_one_voxel_is_an_octahedron():
    found = extent(np.ones((1, 1, 1), dtype=bool), np.ones(3))
    assert found.volume == pytest.approx(1 / 6)
    assert found.area == pytest.approx(np.sqrt(3))


def test_the_area_of_an_ellipsoid_follows_the_series_of_the_manual():
    a, b, c = 5.0, 4.0, 2.0
    alpha, beta = np.sqrt(1 - (b / a) ** 2), np.sqrt(1 - (c / a) ** 2)
    degrees = np.arange(21)
    polynomials = eval_legendre(degrees, (alpha**2 + beta**2) / (2 * alpha * beta))
    series = np.sum((alpha * beta) ** degrees / (1 - 4 * degrees**2) * polynomials)
    assert ellipsoid_area(np.array([a, b, c])) == pytest.approx(4 * np.pi * a * b * series)
    assert ellipsoid_area(np.full(3, 2.0)) == pytest.approx(16 * np.pi)
    assert ellipsoid_area(np.zeros(3)) == 0
