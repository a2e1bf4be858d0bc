"""Sparse counts against the same sums over whole matrices."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import entropy

from skiagram.features.level_counts import FIELDS, sums_of

matrices = arrays(np.int64, (3, 4, 5), elements=st.integers(0, 9)).map(
    lambda counts: counts + (np.arange(20).reshape(4, 5) == 7)  # no matrix without an entry
)


def named(counts: np.ndarray) -> dict[str, np.ndarray]:
    """Return the features of matrices by name, each (n,)."""
    return dict(zip(FIELDS, sums_of(counts, np.zeros(len(counts))).T, strict=True))


@pytest.mark.slow
@given(matrices)
def test_sums_over_entries_equal_sums_over_matrices(counts: np.ndarray) -> None:
    found = named(counts)
    shares = counts / counts.sum(axis=(1, 2), keepdims=True)
    extent, level = np.arange(1, 5)[:, None], np.arange(1, 6)
    for name, value in {
        "low_extent_emphasis": extent**-2.0,
        "high_extent_emphasis": extent**2,
        "low_level_emphasis": level**-2.0,
        "high_level_emphasis": level**2,
        "low_extent_low_level_emphasis": (extent * level) ** -2.0,
        "low_extent_high_level_emphasis": (level / extent) ** 2,
        "high_extent_low_level_emphasis": (extent / level) ** 2,
        "high_extent_high_level_emphasis": (extent * level) ** 2,
    }.items():
        mean = np.sum(shares * value, axis=(1, 2))
        np.testing.assert_allclose(found[name], mean, err_msg=name)
    for name, value in {"level_variance": level, "extent_variance": extent}.items():
        mean = np.sum(shares * value, axis=(1, 2))
        squares = np.sum(shares * (value - mean[:, None, None]) ** 2, axis=(1, 2))
        np.testing.assert_allclose(found[name], squares, atol=1e-12, err_msg=name)
    flat = shares.reshape(3, -1)
    np.testing.assert_allclose(found["entropy"], entropy(flat, base=2, axis=1), atol=1e-12)
    np.testing.assert_allclose(found["energy"], np.sum(flat**2, axis=1))
    total = counts.sum(axis=(1, 2))
    for of, axis in (("level", 1), ("extent", 2)):
        energy = np.sum(shares.sum(axis=axis) ** 2, axis=1)
        np.testing.assert_allclose(found[f"normalised_{of}_non_uniformity"], energy)
        np.testing.assert_allclose(found[f"{of}_non_uniformity"], energy * total)
    np.testing.assert_allclose(found["rate"], total / np.sum(counts * extent, axis=(1, 2)))


def test_what_is_all_alike_has_exactly_no_variance_and_no_entropy() -> None:
    counts = np.zeros((1, 7, 9), dtype=np.int64)
    counts[0, 2, 6] = 49
    found = named(counts)
    assert found["level_variance"][0] == found["extent_variance"][0] == 0
    assert found["entropy"][0] == 0
