"""Dependence counts against windows taken one by one."""

import numpy as np

from skiagram.features.neighbours import frame, steps_around
from skiagram.features.ngldm import dependence_counts


def test_with_the_widest_coarseness_all_neighbours_depend():
    framed = frame(np.arange(1, 10, dtype=np.uint16).reshape(1, 1, 3, 3))
    found = np.zeros((1, 9, 9), dtype=np.int64)
    dependence_counts(framed.reshape(1, -1), steps_around(framed.shape, 1), 255, found)
    assert found.sum(axis=2).tolist() == [[0, 0, 0, 4, 0, 4, 0, 0, 1]]  # corners, edges, the middle
