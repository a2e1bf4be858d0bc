"""Percentiles against NumPy's, to the last bit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skiagram.features.order_statistics import order_statistics, percentiles

FRACTIONS = np.array([0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0])
values = arrays(
    np.float64,
    st.integers(1, 40),
    elements=st.one_of(st.floats(-1e6, 1e6), st.integers(0, 3).map(float), st.floats(0, 1e-300)),
)


@pytest.mark.slow
@given(values)
def test_percentiles_are_those_of_numpy(sample: np.ndarray) -> None:
    found = percentiles(sample, FRACTIONS, sample.min(), sample.max())
    np.testing.assert_array_equal(found, np.quantile(sample, FRACTIONS))


@pytest.mark.parametrize("spread", [0.01, 1.0, 30.0])
def test_heavy_tails_are_ordered_rightly(spread: float) -> None:
    generator = np.random.default_rng(0)
    sample = np.exp(spread * generator.normal(size=20_000))
    sample[generator.random(20_000) < 0.3] = 1.0
    ranks = np.array([0, 10, 11, 4_000, 10_000, 10_000, 19_998, 19_999])
    found = order_statistics(sample, ranks, sample.min(), sample.max())
    np.testing.assert_array_equal(found, np.sort(sample)[ranks])


def test_whole_numbers_of_sixteen_bits_are_ordered_rightly() -> None:
    sample = np.random.default_rng(1).integers(0, 65536, 300_000).astype(np.float64)
    sample[:2] = 0, 65535
    np.testing.assert_array_equal(
        percentiles(sample, FRACTIONS, 0.0, 65535.0), np.quantile(sample, FRACTIONS)
    )
