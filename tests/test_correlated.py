"""Pairs of like vectors against all products: none missed, none made up."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from skiagram.correlated import correlated_pairs


def unit(values: NDArray[np.float64]) -> NDArray[np.float32]:
    made: NDArray[np.float32] = values / np.linalg.norm(values, axis=1, keepdims=True)
    return made.astype(np.float32)


def by_all_products(vectors: NDArray[np.float32], threshold: float) -> dict[tuple[int, int], float]:
    products = vectors.astype(np.float64) @ vectors.astype(np.float64).T
    i, j = np.nonzero(np.triu(products > threshold, k=1))
    return dict(zip(zip(i.tolist(), j.tolist(), strict=True), products[i, j], strict=True))


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    number=st.integers(1, 60),
    length=st.integers(2, 60),
    directions=st.integers(1, 8),
    spread=st.floats(0, 0.5),
    threshold=st.floats(0.3, 0.999),
)
def test_no_pair_is_missed(
    seed: int, number: int, length: int, directions: int, spread: float, threshold: float
) -> None:
    """Vectors near a few directions, so that many products lie close to any threshold."""
    draws = np.random.default_rng(seed)
    base = draws.normal(size=(directions, length))
    values = base[draws.integers(0, directions, number)]
    vectors = unit(values + spread * draws.normal(size=values.shape))
    found, expected = correlated_pairs(vectors, threshold), by_all_products(vectors, threshold)
    sure = {pair for pair, value in expected.items() if value > threshold + 1e-6}
    assert sure <= set(found) <= set(by_all_products(vectors, threshold - 1e-6))
    for pair in sure:
        assert found[pair] == pytest.approx(min(expected[pair], 1), abs=1e-6)


def test_blocks_join_without_a_seam() -> None:
    """More vectors than a block has rows or columns, and pairs across every border."""
    draws = np.random.default_rng(0)
    vectors = unit(draws.normal(size=(5000, 40)))
    copies = draws.permutation(5000)[:600]
    vectors[copies[:300]] = vectors[copies[300:]]
    found = correlated_pairs(vectors, 0.98)
    pairs = np.sort(copies.reshape(2, 300).T, axis=1)
    assert set(found) >= {(int(one), int(other)) for one, other in pairs}
    assert found.keys() == by_all_products(vectors, 0.98).keys()


@pytest.mark.parametrize("number", [0, 1, 5])
def test_vectors_without_length_are_like_nothing(number: int) -> None:
    assert correlated_pairs(np.zeros((number, 784), dtype=np.float32), 0.98) == {}


def test_all_alike_are_all_found() -> None:
    vectors = np.tile(unit(np.random.default_rng(1).normal(size=(1, 784))), (30, 1))
    found = correlated_pairs(vectors, 0.98)
    assert len(found) == 30 * 29 // 2
    assert max(found.values()) <= 1
