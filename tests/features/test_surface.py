"""Mesh, hull, boxes and ellipsoids against bodies whose measures are known, and against peers."""

import numpy as np
import pytest
from scipy.spatial import ConvexHull
from scipy.special import eval_legendre
from skimage.measure import marching_cubes, mesh_surface_area

from skiagram.features.surface import (
    convex_hull,
    diameter,
    ellipsoid_area,
    enclosing_ellipsoid,
    extent,
    smallest_box,
)

SPACING = np.array([3.0, 1.0, 0.5])


def ellipsoid(half_axes: tuple[float, float, float], spacing: np.ndarray) -> np.ndarray:
    pairs = zip(half_axes, spacing, strict=True)
    sides = [2 * int(np.ceil(axis / step)) + 3 for axis, step in pairs]
    grid = np.indices(sides).transpose(1, 2, 3, 0) - (np.array(sides) - 1) / 2
    inside: np.ndarray = np.sum((grid * spacing / np.array(half_axes)) ** 2, axis=-1) <= 1
    return inside


def noise(share: float, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((9, 11, 10)) < share


def signed_volume(vertices: np.ndarray, faces: np.ndarray) -> float:
    one, two, three = np.moveaxis(vertices[faces], 1, 0)
    return float(abs(np.sum(one * np.cross(two, three)) / 6))


def test_one_voxel_is_an_octahedron() -> None:
    found = extent(np.ones((1, 1, 1), dtype=bool), np.ones(3))
    assert found.volume == pytest.approx(1 / 6)
    assert found.area == pytest.approx(np.sqrt(3))


def test_a_solid_body_has_the_mesh_of_scikit_image() -> None:
    region = ellipsoid((20, 9, 5), SPACING)
    vertices, faces, _, _ = marching_cubes(
        np.pad(region, 1).astype(float), 0.5, spacing=SPACING, method="lorensen"
    )
    found = extent(region, SPACING)
    assert found.area == pytest.approx(mesh_surface_area(vertices, faces), rel=1e-3)
    assert found.volume == pytest.approx(signed_volume(vertices, faces), rel=1e-3)


def test_volume_and_surface_near_those_of_the_ellipsoid() -> None:
    found = extent(ellipsoid((20, 18, 15), np.ones(3)), np.ones(3))
    assert found.volume == pytest.approx(4 / 3 * np.pi * 20 * 18 * 15, rel=0.02)
    assert found.area == pytest.approx(ellipsoid_area(np.array([20.0, 18, 15])), rel=0.1)


@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
def test_a_mirrored_or_turned_region_has_the_same_mesh(share: float) -> None:
    region = noise(share)
    found = extent(region, SPACING)
    for other in (region[::-1], region[:, ::-1], region[:, :, ::-1], region[::-1, ::-1, ::-1]):
        again = extent(other, SPACING)
        assert (again.volume, again.area) == pytest.approx((found.volume, found.area))
    turned = extent(region.transpose(2, 0, 1), SPACING[[2, 0, 1]])
    assert (turned.volume, turned.area) == pytest.approx((found.volume, found.area))


def test_a_cavity_takes_volume_and_adds_surface() -> None:
    solid = np.ones((9, 9, 9), dtype=bool)
    hollow = solid.copy()
    hollow[4, 4, 4] = False
    one, other = extent(solid, np.ones(3)), extent(hollow, np.ones(3))
    assert one.volume - other.volume == pytest.approx(1 / 6)
    assert other.area - one.area == pytest.approx(np.sqrt(3))


def test_places_are_those_of_the_voxels() -> None:
    region = noise(0.3)
    places = np.argwhere(region) * SPACING
    found = extent(region, SPACING)
    assert found.voxels == len(places)
    np.testing.assert_allclose(found.centre, places.mean(axis=0))
    np.testing.assert_allclose(found.covariance, np.cov(places.T), atol=1e-12)


@pytest.mark.parametrize("share", [0.01, 0.2, 0.99])
def test_the_hull_is_that_of_all_corners_of_the_mesh(share: float) -> None:
    region = noise(share)
    places = np.argwhere(region)[:, None] + np.vstack([np.eye(3), -np.eye(3)]) / 2
    expected = ConvexHull(places.reshape(-1, 3) * SPACING)
    found = convex_hull(region, SPACING)
    assert found.volume == pytest.approx(expected.volume)
    assert found.area == pytest.approx(expected.area)
    corners = expected.points[expected.vertices]
    apart = np.linalg.norm(corners[:, None] - corners, axis=-1)
    assert diameter(found.corners) == pytest.approx(apart.max())


def test_a_turned_brick_has_its_own_box() -> None:
    corners = np.indices((2, 2, 2)).reshape(3, -1).T * np.array([7.0, 3.0, 2.0])
    turn, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))
    turned = corners @ turn
    normals = ConvexHull(turned).equations[:, :3]
    assert sorted(smallest_box(turned, normals)) == pytest.approx([2, 3, 7])


def test_the_ellipsoid_around_points_on_one_is_that() -> None:
    points = np.random.default_rng(0).normal(size=(500, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    turn, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))
    found = enclosing_ellipsoid(points * np.array([9.0, 4.0, 2.0]) @ turn + 50)
    np.testing.assert_allclose(found, [9, 4, 2], rtol=0.02)


def test_no_point_is_outside_the_enclosing_ellipsoid_of_a_box() -> None:
    corners = np.indices((2, 2, 2)).reshape(3, -1).T * np.array([6.0, 4.0, 2.0])
    np.testing.assert_allclose(
        enclosing_ellipsoid(corners), np.sqrt(3) * np.array([3, 2, 1]), rtol=2e-3
    )


def test_the_area_of_an_ellipsoid_follows_the_series_of_the_manual() -> None:
    a, b, c = 5.0, 4.0, 2.0
    alpha, beta = np.sqrt(1 - (b / a) ** 2), np.sqrt(1 - (c / a) ** 2)
    degrees = np.arange(21)
    polynomials = eval_legendre(degrees, (alpha**2 + beta**2) / (2 * alpha * beta))
    series = np.sum((alpha * beta) ** degrees / (1 - 4 * degrees**2) * polynomials)
    assert ellipsoid_area(np.array([a, b, c])) == pytest.approx(4 * np.pi * a * b * series)
    assert ellipsoid_area(np.full(3, 2.0)) == pytest.approx(16 * np.pi)
    assert ellipsoid_area(np.zeros(3)) == 0
