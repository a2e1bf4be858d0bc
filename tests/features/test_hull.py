"""Hull, boxes and ellipsoids against SciPy's, and against bodies whose measures are known."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.testing import assert_allclose
from scipy.spatial import ConvexHull

from skiagram.features.hull import convex_hull, enclosing_ellipsoid, smallest_box

SPACINGS = ((1.0, 1.0, 1.0), (3.0, 1.0, 0.5), (2.5, 0.9765625, 0.9765625))
regions = arrays(np.bool_, array_shapes(min_dims=3, max_dims=3, max_side=7)).filter(np.any)


def corners_of_mesh(region, spacing):
    arms = np.vstack([np.eye(3), -np.eye(3)]) / 2
    return (np.argwhere(region)[:, None] + arms).reshape(-1, 3) * spacing


@pytest.mark.slow
@settings(max_examples=20)
@given(regions, st.sampled_from(SPACINGS))
def test_the_box_is_the_smallest_with_a_face_along_one_of_the_hulls(region, spacing):
    hull = convex_hull(region, np.array(spacing))
    assume(len(hull.normals) <= 64)  # of more, the largest count
    expected = ConvexHull(corners_of_mesh(region, np.array(spacing)))
    boxes = []
    for normal in expected.equations[:, :3]:
        across = np.linalg.svd(normal[None])[2]
        flat = expected.points @ across[1:].T
        outline = flat[ConvexHull(flat).vertices]
        for start, end in pairwise([*outline, outline[0]]):
            along = (end - start) / np.linalg.norm(end - start)
            sides = np.ptp(flat @ np.stack([along, along[::-1] * (1, -1)], axis=1), axis=0)
            boxes.append(np.ptp(expected.points @ normal) * sides.prod())
    found = smallest_box(hull.corners, hull.normals, hull.edges, hull.sides)
    assert found.prod() == pytest.approx(min(boxes), rel=1e-7)


def test_the_ellipsoid_around_points_on_one_is_that():
    points = np.random.default_rng(0).normal(size=(500, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    turn, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))
    found = enclosing_ellipsoid(points * np.array([9.0, 4.0, 2.0]) @ turn + 50)
    assert_allclose(found, [9, 4, 2], rtol=0.02)
