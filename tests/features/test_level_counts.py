"""Sparse counts against the same sums over whole matrices."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import entropy

from skiagram.features.level_counts import LevelCounts

matrices = arrays(np.int64, (3, 4, 5), elements=st.integers(0, 9)).map(
    lambda counts: counts + (np.arange(20).reshape(4, 5) == 7)  # no matrix without an entry
)


@given(matrices)
def test_sums_over_entries_equal_sums_over_matrices(counts: np.ndarray) -> None:
    found = LevelCounts.of_matrices(counts)
    shares = counts / counts.sum(axis=(1, 2), keepdims=True)
    extent, level = np.arange(1, 5)[:, None], np.arange(1, 6)
    assert found.total.tolist() == counts.sum(axis=(1, 2)).tolist()
    ratio = level / extent
    mean = np.sum(shares * ratio, axis=(1, 2))
    np.testing.assert_allclose(found.mean(found.level / found.extent), mean)
    squares = np.sum(shares * (ratio - mean[:, None, None]) ** 2, axis=(1, 2))
    np.testing.assert_allclose(found.variance(found.level / found.extent), squares, atol=1e-12)
    flat = shares.reshape(3, -1)
    np.testing.assert_allclose(found.entropy, entropy(flat, base=2, axis=1), atol=1e-12)
    np.testing.assert_allclose(found.energy, np.sum(flat**2, axis=1))
    np.testing.assert_allclose(found.level_energy, np.sum(shares.sum(axis=1) ** 2, axis=1))
    np.testing.assert_allclose(found.extent_energy, np.sum(shares.sum(axis=2) ** 2, axis=1))


def test_what_is_all_alike_has_exactly_no_variance_and_no_entropy() -> None:
    counts = np.zeros((1, 7, 9), dtype=np.int64)
    counts[0, 2, 6] = 49
    found = LevelCounts.of_matrices(counts)
    assert found.variance(found.level)[0] == found.variance(found.extent)[0] == 0
    assert found.entropy[0] == 0
