"""The mesh against bodies whose measures are known, and against scikit-image."""

import numpy as np
import pytest
from scipy.special import eval_legendre
from skimage.measure import marching_cubes, mesh_surface_area

from skiagram.features.surface import ellipsoid_area, extent

SPACING = np.array([3.0, 1.0, 0.5])


def ellipsoid(half_axes, spacing):
    pairs = zip(half_axes, spacing, strict=True)
    sides = [2 * int(np.ceil(axis / step)) + 3 for axis, step in pairs]
    grid = np.indices(sides).transpose(1, 2, 3, 0) - (np.array(sides) - 1) / 2
    return np.sum((grid * spacing / np.array(half_axes)) ** 2, axis=-1) <= 1


def signed_volume(vertices, faces):
    one, two, three = np.moveaxis(vertices[faces], 1, 0)
    return float(abs(np.sum(one * np.cross(two, three)) / 6))


def test_one_voxel_is_an_octahedron():
    found = extent(np.ones((1, 1, 1), dtype=bool), np.ones(3))
    assert found.volume == pytest.approx(1 / 6)
    assert found.area == pytest.approx(np.sqrt(3))


def test_a_solid_body_has_the_mesh_of_scikit_image():
    region = ellipsoid((20, 9, 5), SPACING)
    vertices, faces, _, _ = marching_cubes(
        np.pad(region, 1).astype(float), 0.5, spacing=SPACING, method="lorensen"
    )
    found = extent(region, SPACING)
    assert found.area == pytest.approx(mesh_surface_area(vertices, faces), rel=1e-3)
    assert found.volume == pytest.approx(signed_volume(vertices, faces), rel=1e-3)


def test_the_area_of_an_ellipsoid_follows_the_series_of_the_manual():
    a, b, c = 5.0, 4.0, 2.0
    alpha, beta = np.sqrt(1 - (b / a) ** 2), np.sqrt(1 - (c / a) ** 2)
    degrees = np.arange(21)
    polynomials = eval_legendre(degrees, (alpha**2 + beta**2) / (2 * alpha * beta))
    series = np.sum((alpha * beta) ** degrees / (1 - 4 * degrees**2) * polynomials)
    assert ellipsoid_area(np.array([a, b, c])) == pytest.approx(4 * np.pi * a * b * series)
    assert ellipsoid_area(np.full(3, 2.0)) == pytest.approx(16 * np.pi)
    assert ellipsoid_area(np.zeros(3)) == 0
