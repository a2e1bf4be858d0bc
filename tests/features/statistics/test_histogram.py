"""Statistics of grey levels against those of the same levels as intensities."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skiagram.features.kernels.histogram import count_levels
from skiagram.features.statistics.first_order import FirstOrderStatistics
from skiagram.features.statistics.histogram import HistogramStatistics

SHARED = sorted({*HistogramStatistics.names("x")} & {*FirstOrderStatistics.names("x")})


@given(arrays(np.uint16, (2, 1, 4, 7), elements=st.integers(1, 12)))
def test_levels_have_the_statistics_of_intensities(levels: np.ndarray) -> None:
    found = HistogramStatistics(count_levels(levels, 12))
    expected = FirstOrderStatistics(levels.astype(np.float64))
    assert len(SHARED) == 16
    for name in (name.removeprefix("x_") for name in SHARED):
        np.testing.assert_allclose(
            getattr(found, name), getattr(expected, name), atol=1e-9, err_msg=name
        )


def test_of_several_modes_the_nearest_to_the_mean_counts() -> None:
    counts = np.array([[4, 0, 1, 4, 1], [5, 0, 5, 0, 0]])
    assert HistogramStatistics(counts).mode.tolist() == [4, 1]


@pytest.mark.parametrize("levels", [2, 8, 32])
def test_equally_frequent_levels_have_most_bits_and_least_uniformity(levels: int) -> None:
    found = HistogramStatistics(np.full((1, levels), 3))
    assert found.entropy[0] == pytest.approx(np.log2(levels))
    assert found.uniformity[0] == pytest.approx(1 / levels)
