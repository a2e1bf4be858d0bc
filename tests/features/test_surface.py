"""The mesh against bodies whose measures are known, and against scikit-image."""

import numpy as np
import pytest

from skiagram.features.surface import ellipsoid_area, extent


def test_one_voxel_is_an_octahedron():
    found = extent(np.ones((1, 1, 1), dtype=bool), np.ones(3))
    assert found.volume == pytest.approx(1 / 6)
    assert found.area == pytest.approx(np.sqrt(3))


def test_the_area_of_a_sphere_and_of_nothing_are_exact():
    assert ellipsoid_area(np.full(3, 2.0)) == pytest.approx(16 * np.pi)
    assert ellipsoid_area(np.zeros(3)) == 0
