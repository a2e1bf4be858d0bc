"""Counts of zones against those at the roots of the forest."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from skiagram.features.kernels.size_zone import size_zones
from skiagram.features.kernels.zones import zone_forest

shapes = array_shapes(min_dims=4, max_dims=4, max_side=7)


@given(arrays(np.uint16, shapes, elements=st.integers(0, 2)))
def test_each_zone_is_counted_once_in_order(images: np.ndarray) -> None:
    forest = zone_forest(images)
    image, place = np.nonzero(forest < 0)
    level = images.reshape(len(images), -1)[image, place]
    rows = np.stack([image, -forest[image, place], level])
    distinct, counts = np.unique(rows, axis=1, return_counts=True)
    assert size_zones(images, forest, 2).tolist() == [*distinct.tolist(), counts.tolist()]


def test_as_many_distinct_zones_as_an_image_can_hold_are_kept() -> None:
    sizes = np.repeat(np.arange(1, 41), 2)  # a level and the next in turn, each with every size
    line = np.repeat(np.tile([1, 2], 40), sizes).astype(np.uint16)[None, None, None]
    found = size_zones(line, zone_forest(line), 2)
    expected = [[0, size, level, 1] for size in range(1, 41) for level in (1, 2)]
    assert found.T.tolist() == expected
