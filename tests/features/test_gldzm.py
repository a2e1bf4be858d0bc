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
from skiagram.features.gldzm import Gldzm, GldzmFeatures, distance_zones
from skiagram.features.level_counts import sums_of
from skiagram.features.neighbours import equal_neighbours, zone_forest
from tests.features.ibsi_phantom import PHANTOM

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


# Reference values of the digital phantom, IBSI reference manual, section 3.9: 2D averaged, 2.5D
# merged, 3D.
PUBLISHED = {
    "small_distance_emphasis": (0.946, 0.917, 1),
    "large_distance_emphasis": (1.21, 1.33, 1),
    "low_grey_level_zone_emphasis": (0.371, 0.368, 0.253),
    "high_grey_level_zone_emphasis": (16.4, 16.2, 15.6),
    "small_distance_low_grey_level_emphasis": (0.367, 0.362, 0.253),
    "small_distance_high_grey_level_emphasis": (15.2, 14.3, 15.6),
    "large_distance_low_grey_level_emphasis": (0.386, 0.391, 0.253),
    "large_distance_high_grey_level_emphasis": (21.3, 23.7, 15.6),
    "grey_level_non_uniformity": (1.41, 5.44, 1.4),
    "normalised_grey_level_non_uniformity": (0.323, 0.302, 0.28),
    "zone_distance_non_uniformity": (3.79, 14.4, 5),
    "normalised_zone_distance_non_uniformity": (0.898, 0.802, 1),
    "zone_percentage": (0.24, 0.243, 0.0676),
    "grey_level_variance": (3.97, 3.92, 2.64),
    "zone_distance_variance": (0.051, 0.0988, 0),
    "zone_distance_entropy": (1.73, 2, 1.92),
}
SLICES, VOLUME = PHANTOM[:, None].astype(np.uint16), PHANTOM[None].astype(np.uint16)
FAMILY = Gldzm(levels=Discretisation(bin_number=8, bin_width=None), region="whole")


@pytest.mark.parametrize("name", PUBLISHED)
def test_digital_phantom_gives_the_published_values(name: str) -> None:
    slices, volume = zones(SLICES, 6), zones(VOLUME, 6)
    pixels = np.count_nonzero(SLICES, axis=(1, 2, 3)).astype(np.float64)
    whole = pixels.sum(keepdims=True)
    found = [
        getattr(GldzmFeatures(sums_of(counts, size)), name).mean()
        for counts, size in (
            (slices, pixels),
            (slices.sum(axis=0, keepdims=True), whole),
            (volume, whole),
        )
    ]
    assert [f"{value:.3g}" for value in found] == [f"{value:.3g}" for value in PUBLISHED[name]]


def test_published_names_are_all_names() -> None:
    assert FAMILY.names() == tuple(f"gldzm_{name}" for name in PUBLISHED)


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
