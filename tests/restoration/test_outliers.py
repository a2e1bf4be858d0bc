"""Outliers: all planted faults found, sound images left alone."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import ndimage

from skiagram.restoration.outliers import Outliers, local_median
from tests.restoration.phantom import film, tissue

OPTIONS = Outliers(threshold=6.0, radius=2)


def find(plane):
    return OPTIONS.find(plane, np.zeros(plane.shape, np.bool_))


def replaced(plane):
    return OPTIONS.replace(plane, np.zeros(plane.shape, np.bool_))[0]


def with_hot_pixels(example, amplitude):
    return np.where(example.hot, example.noisy + np.float32(amplitude), example.noisy)


def test_hardly_a_pixel_of_sound_tissue_is_flagged():
    flagged = [find(film(seed).noisy).pixels.mean() for seed in range(8)]
    flagged += [find(tissue(seed)).pixels.mean() for seed in range(8)]
    assert np.mean(flagged) < 1e-4


@pytest.mark.slow
def test_hardly_a_pixel_of_real_ultrasound_is_flagged(real_data):
    images = np.load(real_data / "breastmnist.npz")["train_images"].astype(np.float32)
    faults = [find(image) for image in images]
    assert np.mean([fault.pixels.mean() for fault in faults]) < 1e-3
    assert sum(fault.lines for fault in faults) == 1  # one film ends in a row of ones


@pytest.mark.parametrize("amplitude", [6, -6])
def test_hot_and_dead_pixels_are_found_and_no_others(amplitude):
    example = film(3)
    plane = with_hot_pixels(example, amplitude)
    assert_array_equal(find(plane).pixels, example.hot)


@pytest.mark.parametrize("rows", [[0], [20, 41], [30, 31]])
@pytest.mark.parametrize("value", [0.0, 3.0])
@pytest.mark.parametrize("axis", [0, 1])
def test_dead_lines_are_found_whole_and_no_others(rows, value, axis):
    plane = film(4).noisy.copy()
    plane[rows] = value
    faults = find(plane if axis == 0 else np.ascontiguousarray(plane.T))
    expected = np.zeros(plane.shape, np.bool_)
    expected[rows] = True
    assert_array_equal(faults.pixels, expected if axis == 0 else expected.T)
    assert faults.lines == len(rows)


def test_a_dead_line_with_gaps_in_it_is_still_found():
    plane = film(4).noisy.copy()
    plane[20] = 0
    missing = np.zeros(plane.shape, np.bool_)
    missing[20, ::5] = True
    plane[missing] = 0.7  # as filled from the rows around it
    assert OPTIONS.find(plane, missing).lines == 1


def test_a_line_with_hardly_a_known_pixel_is_no_dead_line():
    missing = np.zeros((64, 64), np.bool_)
    missing[20, :-2] = missing[:, 30] = True
    missing[11, 30] = False
    assert OPTIONS.find(film(4).noisy, missing).lines == 0


def test_a_plain_surround_is_background_not_dead_lines():
    plane = np.zeros((64, 64), np.float32)
    plane[10:50, 12:60] = 3 + tissue(5)[10:50, 12:60]
    assert find(plane).lines == 0


def test_one_hot_pixel_on_a_plain_image_is_the_only_one_flagged():
    plane = np.full((28, 28), 7, np.float32)
    plane[5, 9] = 255
    assert find(plane).pixels.sum() == 1
    assert_array_equal(replaced(plane), np.full((28, 28), 7))


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (2, 3), (17, 31), (70, 600), (600, 7)])
@pytest.mark.parametrize("radius", [1, 2, 4])
def test_local_median_equals_scipy(shape, radius):
    plane = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    expected = ndimage.median_filter(plane, 2 * radius + 1, mode="mirror")
    assert_array_equal(local_median(plane, radius), expected)
