"""Modes and gradients of grey levels where the IBSI gives no value."""

import numpy as np

from skiagram.features.intensity_histogram import (
    histogram_gradients,
    histogram_statistics,
)


def test_of_several_modes_the_nearest_to_the_mean_counts():
    counts = np.array([[4, 0, 1, 4, 1], [5, 0, 5, 0, 0]])
    assert histogram_statistics(counts)["mode"].tolist() == [4, 1]


def test_a_single_level_has_no_gradient():
    for counts in ([[7]], [[7, 0, 0]]):
        found = histogram_gradients(np.array(counts))
        assert [column[0] for column in found.values()] == [0, 1, 0, 1]
