"""Modes and gradients of grey levels where the IBSI gives no value."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skiagram.features.intensity_histogram import (
    histogram_gradients,
    histogram_statistics,
)


def test_of_several_modes_the_nearest_to_the_mean_counts():
    counts = np.array([[4, 0, 1, 4, 1], [5, 0, 5, 0, 0]])
    assert histogram_statistics(counts)["mode"].tolist() == [4, 1]


@pytest.mark.slow
@given(arrays(np.int64, (9,), elements=st.integers(0, 20)), st.integers(0, 4))
def test_empty_levels_above_the_highest_do_not_count(counts, more):
    counts[-1] += 1
    gradient = np.gradient(counts)
    found = histogram_gradients(np.pad(counts, (0, more))[None])
    assert [column[0] for column in found.values()] == [
        gradient.max(),
        1 + gradient.argmax(),
        gradient.min(),
        1 + gradient.argmin(),
    ]


def test_a_single_level_has_no_gradient():
    for counts in ([[7]], [[7, 0, 0]]):
        found = histogram_gradients(np.array(counts))
        assert [column[0] for column in found.values()] == [0, 1, 0, 1]
