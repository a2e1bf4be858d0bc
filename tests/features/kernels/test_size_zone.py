"""Zones against scikit-image's labels, in planes and volumes."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from skimage.measure import label

from skiagram.features.kernels.size_zone import size_zones

N_LEVELS = 3
planes = array_shapes(min_dims=2, max_dims=2, max_side=12).map(lambda shape: (1, *shape))
volumes = array_shapes(min_dims=3, max_dims=3, min_side=2, max_side=5)
levels = arrays(np.uint16, st.one_of(planes, volumes), elements=st.integers(0, N_LEVELS))


def zones(image: np.ndarray, n_levels: int = N_LEVELS) -> list[tuple[int, int]]:
    """Return size and level of each zone of one image, in order."""
    entries = size_zones(image[None], n_levels)
    return [(int(size), int(level)) for _, size, level, count in entries.T for _ in range(count)]


@given(levels)
def test_zones_are_those_that_scikit_image_labels(image: np.ndarray) -> None:
    labels = label(image, background=0, connectivity=3)
    places = [labels == zone for zone in range(1, labels.max() + 1)]
    assert zones(image) == sorted((int(at.sum()), int(image[at][0])) for at in places)


@given(levels)
def test_zones_do_not_depend_on_how_the_image_lies(image: np.ndarray) -> None:
    expected = zones(image)
    assert zones(image[:, ::-1].copy()) == expected
    assert zones(image.transpose(0, 2, 1).copy()) == expected


def test_images_of_a_batch_are_counted_apart() -> None:
    images = np.array([[[[1, 1, 2]]], [[[2, 0, 2]]]], dtype=np.uint16)
    assert size_zones(images, 2).T.tolist() == [[0, 1, 2, 1], [0, 2, 1, 1], [1, 1, 2, 2]]


def test_as_many_distinct_zones_as_an_image_can_hold_are_kept() -> None:
    sizes = np.repeat(np.arange(1, 41), 2)  # a level and the next in turn, each with every size
    line = np.repeat(np.tile([1, 2], 40), sizes).astype(np.uint16)
    assert zones(line[None, None], 2) == [
        (size, level) for size in range(1, 41) for level in (1, 2)
    ]


def test_a_spiral_is_one_zone() -> None:
    rows, columns = np.indices((65, 65)) - 32
    turns = np.hypot(rows, columns) / 4 - np.arctan2(rows, columns) / (2 * np.pi)
    arm = 1 + (turns % 1 < 0.5)
    image = arm.astype(np.uint16)[None]
    labels = label(image, connectivity=3)
    assert len(zones(image, 2)) == labels.max()
    assert max(zones(image, 2))[0] == np.bincount(labels.ravel()).max() > 65 * 65 / 3
