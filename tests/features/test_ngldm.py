"""Dependence counts against windows taken one by one."""

import numpy as np

from skiagram.features.ngldm import dependence_counts


def test_with_the_widest_coarseness_all_neighbours_depend():
    image = np.arange(1, 10, dtype=np.uint16).reshape(1, 1, 3, 3)
    found = dependence_counts(image, 9, 1, 255).sum(axis=2)
    assert found.tolist() == [[0, 0, 0, 4, 0, 4, 0, 0, 1]]  # corners, edges, the middle
