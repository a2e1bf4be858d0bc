"""Size and form against scikit-image, SciPy and figures whose size is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist
from skimage.measure import find_contours, regionprops

from skiagram.errors import DataError
from skiagram.features.shape import Shape, shape_features
from tests.features.families import described

regions = arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=9)).filter(np.any)


def shape(region, spacing=(1.0, 1.0)):
    return shape_features(region[None], np.array([spacing]))


def outline(region, spacing):
    padded = np.pad(region, 1).astype(float)
    return [contour * spacing for contour in find_contours(padded, 0.5, fully_connected="low")]


def signed_area(contour):
    y, x = contour.T
    return float(np.sum(y[1:] * x[:-1] - y[:-1] * x[1:]) / 2)


@pytest.mark.slow
@given(regions, st.sampled_from([(1.0, 1.0), (0.3, 2.0)]))
def test_outline_is_that_of_scikit_image(region, spacing):
    contours = outline(region, spacing)
    found = shape(region, spacing)
    steps = [np.linalg.norm(np.diff(contour, axis=0), axis=1).sum() for contour in contours]
    assert found["perimeter"][0] == pytest.approx(sum(steps))
    assert found["area_mesh"][0] == pytest.approx(abs(sum(map(signed_area, contours))))
    assert found["area_pixel_counting"][0] == pytest.approx(region.sum() * np.prod(spacing))


@pytest.mark.slow
@given(regions, st.sampled_from([(1.0, 1.0), (0.3, 2.0)]))
def test_extents_are_those_of_the_hull_of_the_outline(region, spacing):
    points = np.concatenate(outline(region, spacing))
    found = shape(region, spacing)
    assert found["maximum_diameter"][0] == pytest.approx(pdist(points).max())
    hull = points[ConvexHull(points).vertices]
    sides = hull - np.roll(hull, 1, axis=0)
    along = sides / np.linalg.norm(sides, axis=1, keepdims=True)
    across = along[:, ::-1] * (1, -1)
    boxes = np.sort([np.ptp(hull @ along.T, axis=0), np.ptp(hull @ across.T, axis=0)], axis=0)
    assert found["length"][0] * found["width"][0] == pytest.approx(np.prod(boxes, axis=0).min())
    assert np.isclose(boxes, np.array([found["width"], found["length"]])).all(axis=0).any()


@pytest.mark.slow
@given(regions)
def test_axes_are_those_of_scikit_image(region):
    expected = regionprops(region.astype(np.uint8))[0]
    found = shape(region)
    lengths = [found["major_axis_length"][0], found["minor_axis_length"][0]]
    theirs = [expected.axis_major_length, expected.axis_minor_length]
    np.testing.assert_allclose(lengths, theirs, atol=1e-6)
    if found["major_axis_length"][0] > 0:
        assert found["elongation"][0] == pytest.approx(theirs[1] / theirs[0], abs=1e-6)


IMAGE = np.zeros((1, 20, 30), dtype=np.float32)
IMAGE[0, 4:10, 5:21] = 80


def test_bright_region_is_measured_not_the_image():
    bright = described(Shape(region="bright", unit="pixel"), IMAGE)
    assert bright["shape_area_pixel_counting"] == 6 * 16
    assert (bright["shape_length"], bright["shape_width"]) == pytest.approx((16, 6))
    assert (bright["shape_image_height"], bright["shape_image_width"]) == (20, 30)
    whole = described(Shape(region="whole", unit="pixel"), IMAGE)
    assert whole["shape_area_pixel_counting"] == 20 * 30


def test_rows_and_columns_have_their_own_spacing():
    spacing = np.array([[2.0, 0.5]])
    found = described(Shape(region="bright", unit="mm"), IMAGE, spacing=spacing)
    assert (found["shape_length"], found["shape_width"]) == pytest.approx((12, 8))
    assert (found["shape_image_height"], found["shape_image_width"]) == (40, 15)
    assert found["shape_area_pixel_counting"] == pytest.approx(96)


@pytest.mark.parametrize("spacing", [None, np.array([[0.1, np.nan]])])
def test_millimetres_of_unknown_spacing_are_refused(spacing):
    with pytest.raises(DataError, match="`shape` in mm needs the spacing, which is unknown"):
        described(Shape(region="bright", unit="mm"), IMAGE, spacing=spacing)
