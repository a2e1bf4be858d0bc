"""Differences from the mean of the neighbours, against SciPy's convolution."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.ndimage import convolve

from skiagram.features.kernels.tone_difference import level_pairs, tone_differences

N_LEVELS = 5
shapes = array_shapes(min_dims=4, max_dims=4, max_side=6)
levels = arrays(np.uint16, shapes, elements=st.integers(0, N_LEVELS))


@given(levels)
def test_counts_and_sums_are_those_of_a_convolution(images: np.ndarray) -> None:
    counts, sums = tone_differences(images, N_LEVELS)
    ring = np.ones((1, 3, 3, 3))
    ring[0, 1, 1, 1] = 0
    total = convolve(images.astype(float), ring, mode="constant")
    neighbours = convolve((images > 0).astype(float), ring, mode="constant")
    apart = np.abs(images - total / np.maximum(neighbours, 1))
    for level in range(1, N_LEVELS + 1):
        here = (images == level) & (neighbours > 0)
        assert counts[:, level - 1].tolist() == here.sum(axis=(1, 2, 3)).tolist()
        expected = np.sum(apart * here, axis=(1, 2, 3))
        np.testing.assert_allclose(sums[:, level - 1], expected, atol=1e-9)


@given(levels)
def test_a_turned_image_has_exactly_the_same_sums(images: np.ndarray) -> None:
    turned = np.rot90(images, axes=(2, 3)).copy()
    for found, expected in zip(
        tone_differences(turned, N_LEVELS), tone_differences(images, N_LEVELS), strict=True
    ):
        np.testing.assert_array_equal(found, expected)


@given(
    arrays(np.int64, (2, 4), elements=st.integers(0, 9)),
    arrays(np.float64, (2, 4), elements=st.floats(0, 9)),
)
def test_pairs_of_levels_that_occur_are_summed(counts: np.ndarray, sums: np.ndarray) -> None:
    products, weighted, squares = level_pairs(counts, sums)
    level = np.arange(1, 5)
    i, j = level[:, None], level
    for image, (n, s) in enumerate(zip(counts, sums, strict=True)):
        occurs = (n[:, None] > 0) & (n > 0)
        both = np.maximum(n[:, None] + n, 1)
        mixed = ((n * s)[:, None] + n * s) / both
        assert products[image] == np.sum(occurs * np.abs(i * n[:, None] - j * n))
        np.testing.assert_allclose(weighted[image], np.sum(occurs * np.abs(i - j) * mixed))
        assert squares[image] == np.sum(occurs * both * (i - j) ** 2)
