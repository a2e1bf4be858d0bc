"""Trees of like vectors end where all vectors are the same."""

import numpy as np

from skiagram.near_duplicates.nearest import Tree


def test_equal_vectors_and_empty_ones_make_a_tree():
    vectors = np.zeros((500, 8), dtype=np.float32)
    vectors[100:200, 0] = 1
    rows, columns, _ = Tree.grow(vectors, 0).like(vectors, vectors, 0.9)
    assert {*rows.tolist(), *columns.tolist()} <= set(range(100, 200))
    assert len(rows) >= 100
