"""Distances of zones against SciPy's taxicab distances."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.ndimage import distance_transform_cdt
from skimage.measure import label

from skiagram.features.batch import FeatureBatch
from skiagram.features.discretisation import Discretisation
from skiagram.features.gldzm import Gldzm, distance_zones
from skiagram.features.neighbours import equal_neighbours, zone_forest

planes = array_shapes(min_dims=2, max_dims=2, max_side=12).map(lambda shape: (1, *shape))
volumes = array_shapes(min_dims=3, max_dims=3, min_side=2, max_side=7)
few_outside = st.sampled_from([0, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2])
levels = arrays(np.uint16, st.one_of(planes, volumes), elements=few_outside)


def zones(levels: np.ndarray, number: int) -> np.ndarray:
    """Return the counts of images by distance and level."""
    forest = zone_forest(levels, equal_neighbours(levels))
    found, pixels = distance_zones(levels, levels > 0, forest, number)
    assert pixels.tolist() == np.count_nonzero(levels, axis=(1, 2, 3)).tolist()
    return found


def counts(image: np.ndarray) -> np.ndarray:
    """Return the counts of one image by distance and level."""
    found: np.ndarray = zones(image[None], 2)[0]
    return found


@pytest.mark.slow
@given(levels)
def test_a_zone_is_as_near_as_its_nearest_pixel(image: np.ndarray) -> None:
    sides = [int(image.shape[0] > 1), 1, 1]  # a plane has no border above and below
    around = np.pad(image > 0, [(side, side) for side in sides])
    inside = distance_transform_cdt(around, "taxicab")[around.nonzero()]
    distance = np.zeros(image.shape, dtype=np.int64)
    distance[image > 0] = inside
    expected = np.zeros_like(counts(image))
    labels = label(image, background=0, connectivity=3)
    for zone in range(1, labels.max() + 1):
        at = labels == zone
        expected[distance[at].min() - 1, image[at][0] - 1] += 1
    np.testing.assert_array_equal(counts(image), expected)


@pytest.mark.parametrize("shape", [(1, 5, 5), (5, 5, 5), (1, 6, 9), (7, 6, 9)])
def test_the_middle_is_half_the_smaller_side_away(shape: tuple[int, ...]) -> None:
    image = np.ones(shape, dtype=np.uint16)
    image[tuple(side // 2 for side in shape)] = 2
    smaller = min(side for side in shape if side > 1)
    assert counts(image)[(smaller + 1) // 2 - 1].tolist() == [0, 1]


FAMILY = Gldzm(levels=Discretisation(bin_number=8, bin_width=None), region="whole")


def features(image: np.ndarray, mask: np.ndarray | None = None) -> dict[str, float]:
    batch = FeatureBatch(image[None], None if mask is None else mask[None])
    return dict(zip(FAMILY.names(), FAMILY.extract(batch)[0].tolist(), strict=True))


def test_a_constant_image_is_one_zone_at_the_border() -> None:
    found = features(np.full((9, 9), 2.0))
    assert found["gldzm_large_distance_emphasis"] == 1
    assert found["gldzm_zone_percentage"] == 1 / 81
    assert found["gldzm_zone_distance_entropy"] == found["gldzm_zone_distance_variance"] == 0


def test_the_region_has_the_border_and_not_the_image() -> None:
    image, mask = np.zeros((9, 9)), np.zeros((9, 9), dtype=np.bool_)
    image[4, 4] = 1
    mask[3:6, 3:6] = True
    assert features(image)["gldzm_large_distance_emphasis"] == (1 + 5**2) / 2
    assert features(image, mask)["gldzm_large_distance_emphasis"] == (1 + 2**2) / 2
