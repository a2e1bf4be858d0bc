"""Counts of zones against those at the roots of the forest."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from skiagram.features.batch import FeatureBatch
from skiagram.features.discretisation import Discretisation
from skiagram.features.glszm import Glszm, GlszmFeatures, size_zones
from skiagram.features.level_counts import add_up, sums_of
from skiagram.features.neighbours import equal_neighbours, zone_forest
from tests.features.ibsi_phantom import PHANTOM

shapes = array_shapes(min_dims=4, max_dims=4, max_side=7)


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


# Reference values of the digital phantom, IBSI reference manual, section 3.8: 2D averaged, 2.5D
# merged, 3D.
PUBLISHED = {
    "small_zone_emphasis": (0.363, 0.368, 0.255),
    "large_zone_emphasis": (43.9, 34.2, 550),
    "low_grey_level_zone_emphasis": (0.371, 0.368, 0.253),
    "high_grey_level_zone_emphasis": (16.4, 16.2, 15.6),
    "small_zone_low_grey_level_emphasis": (0.0259, 0.0295, 0.0256),
    "small_zone_high_grey_level_emphasis": (10.3, 9.87, 2.76),
    "large_zone_low_grey_level_emphasis": (40.4, 30.6, 503),
    "large_zone_high_grey_level_emphasis": (113, 107, 1490),
    "grey_level_non_uniformity": (1.41, 5.44, 1.4),
    "normalised_grey_level_non_uniformity": (0.323, 0.302, 0.28),
    "zone_size_non_uniformity": (1.49, 3.44, 1),
    "normalised_zone_size_non_uniformity": (0.333, 0.191, 0.2),
    "zone_percentage": (0.24, 0.243, 0.0676),
    "grey_level_variance": (3.97, 3.92, 2.64),
    "zone_size_variance": (21, 17.3, 331),
    "zone_size_entropy": (1.93, 3.08, 2.32),
}
SLICES, VOLUME = PHANTOM[:, None].astype(np.uint16), PHANTOM[None].astype(np.uint16)
FAMILY = Glszm(levels=Discretisation(bin_number=8, bin_width=None), region="whole")


def merged(entries: np.ndarray) -> np.ndarray:
    matrix = np.zeros((1, PHANTOM.size, PHANTOM.max()), dtype=np.int64)
    np.add.at(matrix[0], (entries[:, 1] - 1, entries[:, 2] - 1), entries[:, 3])
    return sums_of(matrix, np.zeros(len(matrix)))


@pytest.mark.parametrize("name", PUBLISHED)
def test_digital_phantom_gives_the_published_values(name: str) -> None:
    by_slice, volume = (
        size_zones(levels, zone_forest(levels, equal_neighbours(levels)), 6)
        for levels in (SLICES, VOLUME)
    )
    counts = (
        add_up(by_slice, np.zeros(4)),
        merged(by_slice),
        add_up(volume, np.zeros(1)),
    )
    found = [getattr(GlszmFeatures(each), name).mean() for each in counts]
    assert [f"{value:.3g}" for value in found] == [f"{value:.3g}" for value in PUBLISHED[name]]


def test_published_names_are_all_names() -> None:
    assert FAMILY.names() == tuple(f"glszm_{name}" for name in PUBLISHED)


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
