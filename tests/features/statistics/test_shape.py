"""Size and form against scikit-image, SciPy and figures whose size is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist
from skimage.draw import disk, ellipse
from skimage.measure import find_contours, regionprops

from skiagram.features.statistics.shape import ShapeFeatures

regions = arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=9)).filter(np.any)


def shape(region: np.ndarray, spacing: tuple[float, float] = (1.0, 1.0)) -> ShapeFeatures:
    return ShapeFeatures(region[None], np.array([spacing]))


def outline(region: np.ndarray, spacing: tuple[float, float]) -> list[np.ndarray]:
    padded = np.pad(region, 1).astype(float)
    return [contour * spacing for contour in find_contours(padded, 0.5, fully_connected="low")]


def signed_area(contour: np.ndarray) -> float:
    y, x = contour.T
    return float(np.sum(y[1:] * x[:-1] - y[:-1] * x[1:]) / 2)


@given(regions, st.sampled_from([(1.0, 1.0), (0.3, 2.0)]))
def test_outline_is_that_of_scikit_image(region: np.ndarray, spacing: tuple[float, float]) -> None:
    contours = outline(region, spacing)
    found = shape(region, spacing)
    steps = [np.linalg.norm(np.diff(contour, axis=0), axis=1).sum() for contour in contours]
    assert found.perimeter[0] == pytest.approx(sum(steps))
    assert found.area_mesh[0] == pytest.approx(abs(sum(map(signed_area, contours))))
    assert found.area_pixel_counting[0] == pytest.approx(region.sum() * np.prod(spacing))


@given(regions, st.sampled_from([(1.0, 1.0), (0.3, 2.0)]))
def test_extents_are_those_of_the_hull_of_the_outline(
    region: np.ndarray, spacing: tuple[float, float]
) -> None:
    points = np.concatenate(outline(region, spacing))
    found = shape(region, spacing)
    assert found.maximum_diameter[0] == pytest.approx(pdist(points).max())
    hull = points[ConvexHull(points).vertices]
    sides = hull - np.roll(hull, 1, axis=0)
    along = sides / np.linalg.norm(sides, axis=1, keepdims=True)
    across = along[:, ::-1] * (1, -1)
    boxes = np.sort([np.ptp(hull @ along.T, axis=0), np.ptp(hull @ across.T, axis=0)], axis=0)
    assert found.length[0] * found.width[0] == pytest.approx(np.prod(boxes, axis=0).min())
    assert np.isclose(boxes, np.array([found.width, found.length])).all(axis=0).any()


@given(regions)
def test_axes_are_those_of_scikit_image(region: np.ndarray) -> None:
    expected = regionprops(region.astype(np.uint8))[0]
    found = shape(region)
    lengths = [found.major_axis_length[0], found.minor_axis_length[0]]
    theirs = [expected.axis_major_length, expected.axis_minor_length]
    np.testing.assert_allclose(lengths, theirs, atol=1e-6)
    if found.major_axis_length[0] > 0:
        assert found.elongation[0] == pytest.approx(theirs[1] / theirs[0], abs=1e-6)


@given(regions)
def test_values_keep_their_ranges(region: np.ndarray) -> None:
    found = shape(region)
    assert 0 < found.compactness[0] < found.circularity[0] < 1
    assert found.minor_axis_length[0] <= found.major_axis_length[0]
    assert 0 <= found.elongation[0] <= 1
    assert found.width[0] <= found.length[0] <= found.maximum_diameter[0] + 1e-9


@given(regions)
def test_a_quarter_turn_and_a_margin_change_nothing(region: np.ndarray) -> None:
    turned = np.pad(np.rot90(region), ((2, 0), (1, 3)))
    form = slice(0, -2)  # all but the image's own size
    np.testing.assert_allclose(
        shape(turned).columns()[:, form], shape(region).columns()[:, form], atol=1e-6
    )


def test_an_ellipse_has_its_own_axes() -> None:
    region = np.zeros((80, 90), dtype=np.bool_)
    region[ellipse(38, 47, 10, 30, rotation=0.5)] = True
    found = shape(region)
    np.testing.assert_allclose(
        [found.length, found.width, found.major_axis_length, found.minor_axis_length],
        [[60], [20], [60], [20]],
        rtol=0.03,
    )
    assert found.elongation[0] == pytest.approx(1 / 3, rel=0.03)
    assert found.area_mesh[0] == pytest.approx(np.pi * 300, rel=0.02)


def test_a_disk_is_rounder_than_a_square_and_a_ring() -> None:
    round_one, square = np.zeros((2, 70, 70), dtype=np.bool_)
    round_one[disk((35, 35), 30)] = True
    square[5:65, 5:65] = True
    ring = round_one.copy()
    ring[disk((35, 35), 20)] = False
    circularity = [shape(region).circularity[0] for region in (round_one, square, ring)]
    assert circularity == sorted(circularity, reverse=True)
    assert circularity[1] == pytest.approx(np.sqrt(np.pi) / 2, rel=0.01)


def test_one_pixel_is_a_rhombus() -> None:
    found = dict(
        zip(ShapeFeatures.names("x"), shape(np.ones((1, 1), bool)).columns()[0], strict=True)
    )
    assert found["x_area_mesh"] == 0.5
    assert found["x_perimeter"] == pytest.approx(2 * np.sqrt(2))
    assert found["x_maximum_diameter"] == found["x_elongation"] == 1
    assert found["x_length"] == found["x_width"] == pytest.approx(np.sqrt(0.5))
    assert found["x_major_axis_length"] == 0
