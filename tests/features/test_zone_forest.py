"""Zones against scikit-image's labels, in planes and volumes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from skimage.measure import label

from skiagram.features.neighbours import equal_neighbours, zone_forest

planes = array_shapes(min_dims=2, max_dims=2, max_side=12).map(lambda shape: (1, *shape))
volumes = array_shapes(min_dims=3, max_dims=3, min_side=2, max_side=5)
levels = arrays(np.uint16, st.one_of(planes, volumes), elements=st.integers(0, 3))


def zones(image: np.ndarray) -> list[tuple[int, int]]:
    """Return size and level of each zone of one image, in order."""
    forest = zone_forest(image[None], equal_neighbours(image[None]))[0]
    roots = forest < 0
    return sorted(zip((-forest[roots]).tolist(), image.ravel()[roots].tolist(), strict=True))


@pytest.mark.slow
@given(levels)
def test_zones_are_those_that_scikit_image_labels(image: np.ndarray) -> None:
    labels = label(image, background=0, connectivity=3)
    places = [labels == zone for zone in range(1, labels.max() + 1)]
    assert zones(image) == sorted((int(at.sum()), int(image[at][0])) for at in places)


@pytest.mark.slow
@given(levels)
def test_every_pixel_leads_to_the_root_of_its_zone(image: np.ndarray) -> None:
    forest = zone_forest(image[None], equal_neighbours(image[None]))[0]
    labels = label(image, background=0, connectivity=3).ravel()
    for place in np.flatnonzero(labels):
        root = place
        while forest[root] >= 0:
            root = forest[root]
        assert labels[root] == labels[place]


@pytest.mark.slow
@given(levels)
def test_zones_do_not_depend_on_how_the_image_lies(image: np.ndarray) -> None:
    expected = zones(image)
    assert zones(image[:, ::-1].copy()) == expected
    assert zones(image.transpose(0, 2, 1).copy()) == expected


def test_a_spiral_is_one_zone() -> None:
    rows, columns = np.indices((65, 65)) - 32
    turns = np.hypot(rows, columns) / 4 - np.arctan2(rows, columns) / (2 * np.pi)
    image = (1 + (turns % 1 < 0.5)).astype(np.uint16)[None]
    labels = label(image, connectivity=3)
    assert len(zones(image)) == labels.max()
    assert max(zones(image))[0] == np.bincount(labels.ravel()).max() > 65 * 65 / 3
