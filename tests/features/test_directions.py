"""Directions of neighbours, and the mean over them."""

import numpy as np
import pytest

from skiagram.features.glcm import average
from skiagram.features.neighbours import DIRECTIONS, PLANE_WAYS, VOLUME_WAYS


@pytest.mark.parametrize(("ways", "neighbours"), [(PLANE_WAYS, 8), (VOLUME_WAYS, 26)])
def test_directions_are_half_of_all_neighbours(ways: int, neighbours: int) -> None:
    found = DIRECTIONS[:ways]
    both = np.unique([*found, *-found], axis=0)
    assert len(both) == 2 * len(found) == neighbours
    assert (np.abs(both).max(axis=1) == 1).all()


def test_matrices_without_entries_have_no_part_in_the_mean() -> None:
    features = np.array([[1.0], [3.0], [5.0], [-100.0]])  # two images, two matrices each
    counted = np.array([[True, True], [True, False]])
    assert average(features, counted).tolist() == [[2.0], [5.0]]
