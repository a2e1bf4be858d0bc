"""Differences from the mean of the neighbours, against SciPy's convolution."""

import numpy as np
import pytest

from skiagram.features.batch import FeatureBatch
from skiagram.features.discretisation import Discretisation
from skiagram.features.ngtdm import Ngtdm, relate

FAMILY = Ngtdm(levels=Discretisation(bin_number=8, bin_width=None), region="whole")
NOTHING = [1e6, 0, 0, 0, 0]


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (9, 7)])
def test_without_differences_coarseness_is_a_million_and_all_else_0(shape):
    assert FAMILY.extract(FeatureBatch(np.full((1, *shape), 3.0)))[0].tolist() == NOTHING


def test_pixels_without_a_neighbour_in_the_region_are_left_out():
    image, mask = np.zeros((1, 5, 5)), np.zeros((1, 5, 5), dtype=np.bool_)
    mask[0, ::2, ::2] = True
    image[0, 2, 2] = 1
    assert FAMILY.extract(FeatureBatch(image, mask))[0].tolist() == NOTHING


def test_two_levels_of_equal_weight_have_busyness_0():
    counts, sums = np.array([[6, 3]]), np.array([[1.0, 2.0]])  # 1 · 6 = 2 · 3: nothing to divide by
    assert relate(counts, sums)[2, 0] == 0
