"""All pairs of unit vectors whose product exceeds a threshold, without trying all of them whole.

Each vector is cut to its share in the directions in which the vectors differ most, and to the
length of what is left. By Cauchy and Schwarz the product of two vectors is at most the product of
their shares plus that of the lengths, so no pair is missed where this bound is low; the other pairs
are multiplied out. Vectors are sorted by their first share: two that differ there by more than two
unit vectors of such a product can are never looked at. How many directions are taken depends on
the vectors: thumbnails need a few, fingerprints without any common pattern about half of all.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

_FEWEST_SHARES = 32
_LIKELY_ENOUGH = 1e-4  # of a sample's pairs; more, and most of a block would be multiplied out
_SAMPLE = 4096
_TRIED = 2048
_BLOCK = 1024  # a block of products stays within a core's cache
_ROUNDING = 1e-4
_ROUNDED_OFF = 1e-6

Vectors = NDArray[np.float32]


def correlated_pairs(vectors: Vectors, threshold: float) -> dict[tuple[int, int], float]:
    """Return pair (first < second) → product of all pairs above a threshold.

    Memory holds the vectors at most once more. A fast product nominates pairs; a sum in fixed
    order decides, because the product's last bits depend on the number of threads.

    Args:
        vectors: (n, d) of unit norm, or zero.
        threshold: In (0, 1).
    """
    if not len(vectors):
        return {}
    found: dict[tuple[int, int], float] = {}
    for one, other in _nominated(vectors, threshold - _ROUNDING):
        products = vectors[one].astype(np.float64) * vectors[other]
        product = min(float(products.sum()), 1.0)
        if product > threshold:
            found[min(one, other), max(one, other)] = product
    return found


def _nominated(vectors: Vectors, threshold: float) -> Iterator[tuple[int, int]]:
    shares = _shares(vectors, threshold)
    order = np.argsort(shares[:, 0], kind="stable")
    shares = shares[order]
    first = shares[:, 0].astype(np.float64)
    reach = np.sqrt(2 * (1 - threshold)) + _ROUNDING
    memory = np.empty(_BLOCK**2, dtype=np.float32)  # a new block a product would cost more than it
    for start in range(0, len(order), _BLOCK):
        rows = shares[start : start + _BLOCK]
        stop = int(np.searchsorted(first, float(rows[-1, 0]) + reach, side="right"))
        for left in range(start, stop, _BLOCK):
            columns = shares[left : min(left + _BLOCK, stop)]
            bound = memory[: len(rows) * len(columns)].reshape(len(rows), len(columns))
            np.matmul(rows, columns.T, out=bound)
            if left == start:
                bound[np.tril_indices(len(bound))] = 0
            if bound.max() > threshold:
                likely = bound > threshold
                near = np.flatnonzero(likely.any(axis=1)) + start
                far = np.flatnonzero(likely.any(axis=0)) + left
                yield from _above(vectors, order, near, far, threshold)


def _above(
    vectors: Vectors,
    order: NDArray[np.intp],
    near: NDArray[np.intp],
    far: NDArray[np.intp],
    threshold: float,
) -> Iterator[tuple[int, int]]:
    """Yield pairs of vectors from two sets of places in the order, the second one later."""
    product = vectors[order[near]] @ vectors[order[far]].T
    i, j = np.nonzero(product > threshold)
    later = far[j] > near[i]  # a pair within the rows' own columns stands there twice
    yield from zip(order[near[i[later]]].tolist(), order[far[j[later]]].tolist(), strict=True)


def _shares(vectors: Vectors, threshold: float) -> Vectors:
    """Return (n, k + 1) each vector in the k leading directions, and the length of its rest.

    k is doubled until the bound is above the threshold for few pairs of a sample.
    """
    sample = _spread_out(vectors, _SAMPLE).astype(np.float64)
    directions = np.linalg.eigh(sample.T @ sample)[1][:, ::-1].astype(np.float32)
    tried = _spread_out(vectors, _TRIED)
    number = min(_FEWEST_SHARES, len(directions))
    while number < len(directions):
        some = _cut(tried, directions[:, :number])
        likely = np.triu(some @ some.T > threshold, k=1)
        if likely.mean() <= _LIKELY_ENOUGH / 2:
            break
        number = min(2 * number, len(directions))
    return _cut(vectors, directions[:, :number])


def _spread_out(vectors: Vectors, number: int) -> Vectors:
    return vectors[:: -(-len(vectors) // number)]


def _cut(vectors: Vectors, directions: Vectors) -> Vectors:
    shares = vectors @ directions
    squares = np.einsum("ij,ij->i", vectors, vectors) - np.einsum("ij,ij->i", shares, shares)
    rest = np.sqrt(np.clip(squares, 0, None) + _ROUNDED_OFF)  # rather too long than too short
    return np.concatenate([shares, rest[:, None]], axis=1).astype(np.float32)
