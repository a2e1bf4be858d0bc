"""Co-occurrence features against scikit-image, and images without pairs."""

from dataclasses import replace

import numpy as np
import pytest

from skiagram.features.batch import FeatureBatch
from skiagram.features.discretisation import Discretisation, GreyLevels
from skiagram.features.glcm import Feature, Glcm
from tests.features.families import described

FAMILY = Glcm(
    levels=Discretisation(bin_number=8, bin_width=None),
    region="whole",
    distances=(1,),
    aggregation="merged",
)
NAMES = [name.removeprefix("glcm_") for name in FAMILY.names()]


def named(levels, distance, aggregation):
    """Return the features of (n, depth, height, width) levels by name, each (n,)."""
    family = replace(FAMILY, distances=(distance,), aggregation=aggregation)
    found = family.describe(GreyLevels(levels, int(levels.max())))
    return dict(zip(NAMES, found.T, strict=True))


@pytest.mark.parametrize(
    "image", [np.ones((4, 5), int), np.array([[1, 0, 0], [0, 0, 0], [0, 0, 2]])]
)
def test_the_maximal_correlation_of_a_constant_region_or_one_without_a_pair_is_1(image):
    batch = FeatureBatch(image[None].astype(np.float32), (image > 0)[None])
    levels = Discretisation(bin_number=None, bin_width=1.0, multiples=True)
    assert replace(FAMILY, levels=levels).maximal_correlation(batch).tolist() == [1]


def test_directions_without_a_pair_are_left_out():
    row = np.array([[[[1, 2, 3, 1]]]], dtype=np.uint16)  # nothing above or below
    assert named(row, 1, "averaged")["contrast"] == named(row, 1, "merged")["contrast"] == 2


@pytest.mark.parametrize("aggregation", ["averaged", "merged"])
def test_image_without_any_pair_looks_constant(aggregation):
    apart = np.zeros((1, 1, 5, 5), dtype=np.uint16)
    apart[0, 0, 0, 0], apart[0, 0, 4, 4] = 1, 3
    found = named(apart, 1, aggregation)
    assert found["contrast"] == 0
    assert found["joint_average"] == 2
    assert found["correlation"] == 1


def test_features_stand_in_the_order_of_their_definitions():
    assert [feature.name.lower() for feature in Feature][1:] == NAMES


def test_columns_stand_under_their_names():
    stripes = np.tile(np.array([0, 1], dtype=np.float32), (1, 16, 8))
    levels = Discretisation(bin_number=16, bin_width=None)
    found = described(
        replace(FAMILY, levels=levels, distances=(1, 2), aggregation="averaged"), stripes
    )
    assert found["glcm_distance_1_contrast"] == 15**2 * 3 / 4  # all but the vertical
    assert found["glcm_distance_2_contrast"] == 0
