"""Gradients of histograms against NumPy's."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skiagram.features.statistics.histogram_gradients import HistogramGradients


@given(arrays(np.int64, (9,), elements=st.integers(0, 20)), st.integers(0, 4))
def test_empty_levels_above_the_highest_do_not_count(counts: np.ndarray, more: int) -> None:
    counts[-1] += 1
    gradient = np.gradient(counts)
    found = HistogramGradients(np.pad(counts, (0, more))[None]).columns()[0]
    assert found.tolist() == [
        gradient.max(),
        1 + gradient.argmax(),
        gradient.min(),
        1 + gradient.argmin(),
    ]


def test_a_single_level_has_no_gradient() -> None:
    for counts in ([[7]], [[7, 0, 0]]):
        assert HistogramGradients(np.array(counts)).columns().tolist() == [[0, 1, 0, 1]]
