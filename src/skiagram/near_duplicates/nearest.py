"""Pairs of like vectors among very many, of which only those in one leaf of a tree are compared.

A tree halves the vectors at the median along random directions until few are left in a leaf
(Dasgupta & Freund 2008, STOC, p. 537). Vectors on two sides of one border may be near each other
all the same, so there are many trees. What is compared grows in proportion to the vectors, and so
does the time, but for the number of halvings.
"""

from dataclasses import dataclass

import numpy as np

from skiagram.arrays import Singles, Whole
from skiagram.compiled.loops import compiled
from skiagram.seeding import stream

MOST_COMPARED = 20_000  # vectors of which every pair is compared; of more, those of one leaf
_LEAF = 64  # vectors in a leaf, at most twice as many
_SEED = 20_080_517

LikePairs = tuple[Whole, Whole, Singles]


@dataclass(frozen=True)
class Tree:
    """Vectors in leaves of equal size.

    Attributes:
        directions: (levels, d) of random directions.
        borders: For each level (2^level,) the medians along its direction.
        leaves: (2^levels, size) numbers of vectors; a few stand in two leaves.
    """

    directions: Singles
    borders: tuple[Singles, ...]
    leaves: Whole

    @classmethod
    def grow(cls, vectors: Singles, number: int) -> "Tree":
        """Grow a tree over (n, d) vectors; trees of other numbers have other directions."""
        # As many levels as leave leaves of the wanted size.
        levels = max(int(np.log2(max(len(vectors), 1) / _LEAF)), 0)
        draws = stream(_SEED, "directions", str(number))
        directions = draws.normal(size=(levels, vectors.shape[1])).astype(np.float32)
        places = vectors @ directions.T
        size = -(-len(vectors) // 2**levels)
        # Every leaf is halved at each level; some vectors are there twice to make sizes equal.
        leaves = np.resize(np.arange(len(vectors)), (1, 2**levels * size))
        borders = []
        for level in range(levels):
            along = places[leaves, level]
            middle = along.shape[1] // 2
            order = np.argpartition(along, middle, axis=1)
            borders.append(np.take_along_axis(along, order[:, middle, None], axis=1)[:, 0])
            leaves = np.take_along_axis(leaves, order, axis=1).reshape(2 * len(leaves), -1)
        return cls(directions, tuple(borders), leaves)

    def like(
        self,
        queries: Singles,
        base: Singles,
        threshold: float,
        sign: int = 1,
    ) -> LikePairs:
        """Find the queries and vectors of one leaf whose product is above a threshold.

        Args:
            queries: (n, d).
            base: (n, d) the vectors over which the tree was grown.
            threshold: Of the product.
            sign: −1 for the opposites of the queries.

        Returns:
            Three of (pairs,): the query, the vector, their product.
        """
        # the leaf into which each query, or its opposite, falls
        places = queries @ (np.float32(sign) * self.directions.T)
        leaf = np.zeros(len(queries), dtype=np.int64)
        for level, border in enumerate(self.borders):
            leaf = 2 * leaf + (places[:, level] >= border[leaf])
        # Queries leaf by leaf, so that a leaf's vectors are read once.
        order = np.argsort(leaf, kind="stable")
        ends = np.cumsum(np.bincount(leaf, minlength=len(self.leaves)))
        # How many pairs there are is seen while they are written: once more where there was no
        # room.
        room = max(len(queries), 1024)
        while True:
            rows, columns = np.empty((2, room), dtype=np.int64)
            products = np.empty(room, dtype=np.float32)
            number = _compare(
                queries, base, order, ends, self.leaves, np.float32(threshold),
                np.float32(sign), rows, columns, products,
            )  # fmt: skip
            if number <= room:
                return rows[:number], columns[:number], products[:number]
            room = number


@compiled
def _compare(
    queries: Singles,
    base: Singles,
    order: Whole,
    ends: Whole,
    leaves: Whole,
    threshold: np.float32,
    sign: np.float32,
    rows: Whole,
    columns: Whole,
    products: Singles,
) -> int:
    """Write pairs above a threshold, leaf by leaf; return their number, even beyond the room.

    Args:
        queries: (n, d).
        base: (n, d).
        order: (n,) queries by leaf.
        ends: (leaves,) where those of each leaf end.
        leaves: (leaves, vectors) of the base.
        threshold: Of the product.
        sign: By which it is multiplied.
        rows: (room,) is set to the queries.
        columns: (room,) is set to the vectors.
        products: (room,) is set.
    """
    number = 0
    start = 0
    for leaf in range(len(leaves)):
        if start == ends[leaf]:
            continue
        # All products of a leaf at once; most queries have none above the threshold.
        chosen = order[start : ends[leaf]]
        product = sign * np.dot(queries[chosen], base[leaves[leaf]].T)
        for i in range(len(chosen)):
            if product[i].max() > threshold:
                for j in np.flatnonzero(product[i] > threshold):
                    if number < len(rows):
                        rows[number], columns[number] = chosen[i], leaves[leaf, j]
                        products[number] = product[i, j]
                    number += 1
        start = ends[leaf]
    return number
