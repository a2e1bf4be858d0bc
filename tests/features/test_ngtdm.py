"""Differences from the mean of the neighbours, against SciPy's convolution."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.ndimage import convolve

from skiagram.features.batch import FeatureBatch
from skiagram.features.discretisation import MAX_LEVELS, Discretisation
from skiagram.features.ngtdm import Ngtdm, relate, tone_differences

N_LEVELS = 5
shapes = array_shapes(min_dims=4, max_dims=4, max_side=6)
levels = arrays(np.uint16, shapes, elements=st.integers(0, N_LEVELS))


def test_two_thousand_levels_add_up():
    images = np.full((1, 4, 6, 7), MAX_LEVELS, dtype=np.uint16)
    images[0, 1:3, 2:4, 3] = 1
    check_against_a_convolution(images, MAX_LEVELS)


@pytest.mark.slow
@given(levels)
def test_counts_and_sums_are_those_of_a_convolution(images):
    check_against_a_convolution(images, N_LEVELS)


def check_against_a_convolution(images, number):
    counts, sums = tone_differences(images, number)
    ring = np.ones((1, 3, 3, 3))
    ring[0, 1, 1, 1] = 0
    total = convolve(images.astype(float), ring, mode="constant")
    neighbours = convolve((images > 0).astype(float), ring, mode="constant")
    apart = np.abs(images - total / np.maximum(neighbours, 1))
    for level in np.unique(images[images > 0]):
        here = (images == level) & (neighbours > 0)
        assert counts[:, level - 1].tolist() == here.sum(axis=(1, 2, 3)).tolist()
        expected = np.sum(apart * here, axis=(1, 2, 3))
        np.testing.assert_allclose(sums[:, level - 1], expected, atol=1e-9)


FAMILY = Ngtdm(levels=Discretisation(bin_number=8, bin_width=None), region="whole")
NOTHING = [1e6, 0, 0, 0, 0]


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (9, 7)])
def test_without_differences_coarseness_is_a_million_and_all_else_0(shape):
    assert FAMILY.extract(FeatureBatch(np.full((1, *shape), 3.0)))[0].tolist() == NOTHING


def test_pixels_without_a_neighbour_in_the_region_are_left_out():
    image, mask = np.zeros((1, 5, 5)), np.zeros((1, 5, 5), dtype=np.bool_)
    mask[0, ::2, ::2] = True
    image[0, 2, 2] = 1
    assert FAMILY.extract(FeatureBatch(image, mask))[0].tolist() == NOTHING


def test_two_levels_of_equal_weight_have_busyness_0():
    counts, sums = np.array([[6, 3]]), np.array([[1.0, 2.0]])  # 1 · 6 = 2 · 3: nothing to divide by
    assert relate(counts, sums)[2, 0] == 0
