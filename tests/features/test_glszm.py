"""Counts of zones against scikit-image's labels, in planes and volumes."""

from collections import Counter

import numpy as np
from skimage.measure import label

from skiagram.features.glszm import size_zones
from skiagram.features.neighbours import equal_neighbours, zone_forest


def check_against_labels(image):
    """Compare sizes and levels of the zones of an image with those that scikit-image labels."""
    labels = label(image, background=0, connectivity=3)
    places = [labels == zone for zone in range(1, labels.max() + 1)]
    expected = Counter((0, int(at.sum()), int(image[at][0])) for at in places)
    found = size_zones(image[None], zone_forest(image[None], equal_neighbours(image[None])), 3)
    assert found.tolist() == [[*zone, count] for zone, count in sorted(expected.items())]


def test_zones_that_wind_around_each_other_are_told_apart():
    rows, columns = np.indices((65, 65)) - 32
    turns = np.hypot(rows, columns) / 4 - np.arctan2(rows, columns) / (2 * np.pi)
    check_against_labels((1 + (turns % 1 < 0.5)).astype(np.uint16)[None])


def test_as_many_distinct_zones_as_an_image_can_hold_are_kept():
    sizes = np.repeat(np.arange(1, 41), 2)  # a level and the next in turn, each with every size
    line = np.repeat(np.tile([1, 2], 40), sizes).astype(np.uint16)[None, None, None]
    found = size_zones(line, zone_forest(line, equal_neighbours(line)), 2)
    expected = [[0, size, level, 1] for size in range(1, 41) for level in (1, 2)]
    assert found.tolist() == expected
