"""Trees that bring like vectors together, beside a comparison of all pairs."""

import numpy as np
import pytest

from skiagram.near_duplicates.nearest import Tree


def planted(number, pairs, cosine):
    """Return unit vectors in 50 dimensions; the last ones are `cosine` from the first ones."""
    draws = np.random.default_rng(3)
    vectors = draws.normal(size=(number, 50))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    others = draws.normal(size=(pairs, 50))
    others -= (others * vectors[:pairs]).sum(axis=1, keepdims=True) * vectors[:pairs]
    others *= np.sqrt(1 - cosine**2) / np.linalg.norm(others, axis=1, keepdims=True)
    vectors[-pairs:] = cosine * vectors[:pairs] + others
    return vectors.astype(np.float32)


def test_a_tree_of_one_leaf_finds_the_pairs_that_numpy_finds():
    vectors = planted(120, 10, 0.7)
    rows, columns, products = Tree.grow(vectors, 0).like(vectors, vectors, 0.5)
    expected = np.argwhere(vectors @ vectors.T > 0.5)
    assert sorted(zip(rows.tolist(), columns.tolist(), strict=True)) == sorted(
        map(tuple, expected.tolist())
    )
    np.testing.assert_allclose(products, (vectors[rows] * vectors[columns]).sum(axis=1), atol=1e-6)


@pytest.mark.parametrize(("cosine", "least"), [(0.98, 1.0), (0.8, 0.95)])
def test_a_few_trees_find_like_vectors_among_many(cosine, least):
    vectors = planted(8000, 200, cosine)
    found = set()
    for number in range(32):
        rows, columns, _ = Tree.grow(vectors, number).like(vectors, vectors, cosine - 0.01)
        found |= set(zip(rows.tolist(), columns.tolist(), strict=True))
    copies = {(row, 7800 + row) for row in range(200)}
    assert len(found & copies) >= least * len(copies)
    assert all(first == second or (min(first, second), max(first, second)) in copies
               for first, second in found)  # fmt: skip


def test_equal_vectors_and_empty_ones_make_a_tree():
    vectors = np.zeros((500, 8), dtype=np.float32)
    vectors[100:200, 0] = 1
    rows, columns, _ = Tree.grow(vectors, 0).like(vectors, vectors, 0.9)
    assert {*rows.tolist(), *columns.tolist()} <= set(range(100, 200))
    assert len(rows) >= 100
