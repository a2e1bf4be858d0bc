"""Counts of zones against those at the roots of the forest."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from skiagram.features.batch import FeatureBatch
from skiagram.features.discretisation import Discretisation
from skiagram.features.glszm import Glszm, size_zones
from skiagram.features.neighbours import equal_neighbours, zone_forest

shapes = array_shapes(min_dims=4, max_dims=4, max_side=7)


@pytest.mark.slow
@given(arrays(np.uint16, shapes, elements=st.integers(0, 2)))
def test_each_zone_is_counted_once_in_order(images: np.ndarray) -> None:
    forest = zone_forest(images, equal_neighbours(images))
    image, place = np.nonzero(forest < 0)
    level = images.reshape(len(images), -1)[image, place]
    rows = np.stack([image, -forest[image, place], level])
    distinct, counts = np.unique(rows, axis=1, return_counts=True)
    assert size_zones(images, forest, 2).tolist() == np.column_stack([distinct.T, counts]).tolist()


def test_as_many_distinct_zones_as_an_image_can_hold_are_kept() -> None:
    sizes = np.repeat(np.arange(1, 41), 2)  # a level and the next in turn, each with every size
    line = np.repeat(np.tile([1, 2], 40), sizes).astype(np.uint16)[None, None, None]
    found = size_zones(line, zone_forest(line, equal_neighbours(line)), 2)
    expected = [[0, size, level, 1] for size in range(1, 41) for level in (1, 2)]
    assert found.tolist() == expected


FAMILY = Glszm(levels=Discretisation(bin_number=8, bin_width=None), region="whole")


def test_a_constant_image_is_one_zone() -> None:
    found = dict(
        zip(FAMILY.names(), FAMILY.extract(FeatureBatch(np.full((1, 3, 5), 7.0)))[0], strict=True)
    )
    assert found["glszm_large_zone_emphasis"] == 15**2
    assert found["glszm_zone_percentage"] == 1 / 15
    assert found["glszm_zone_size_entropy"] == found["glszm_zone_size_variance"] == 0


def test_a_checkerboard_is_two_zones_since_corners_connect() -> None:
    board = np.indices((6, 6)).sum(axis=0) % 2
    found = dict(
        zip(FAMILY.names(), FAMILY.extract(FeatureBatch(board[None] * 1.0))[0], strict=True)
    )
    assert found["glszm_zone_percentage"] == 2 / 36


def test_pixels_outside_the_region_neither_count_nor_connect() -> None:
    image, mask = np.array([[[0.0, 9.0, 0.0, 5.0]]]), np.array([[[True, False, True, True]]])
    found = dict(zip(FAMILY.names(), FAMILY.extract(FeatureBatch(image, mask))[0], strict=True))
    assert found["glszm_zone_percentage"] == 1
    assert found["glszm_high_grey_level_zone_emphasis"] == (1 + 1 + 8**2) / 3
