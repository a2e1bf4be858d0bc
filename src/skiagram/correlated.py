"""All pairs of unit vectors whose product exceeds a threshold, without trying all of them whole.

Each vector is cut to its share in the directions in which the vectors differ most, and to the
length of what is left. By Cauchy and Schwarz the product of two vectors is at most the product of
their shares plus that of the lengths, so no pair is missed where this bound is low; the other pairs
are multiplied out. Vectors are sorted by their first share: two that differ there by more than two
unit vectors of such a product can are never looked at.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

_SHARES = 32
_SAMPLE = 4096
_ROWS, _COLUMNS = 512, 4096
_ROUNDING = 1e-4
_ROUNDED_OFF = 1e-6

Vectors = NDArray[np.float32]


def correlated_pairs(vectors: Vectors, threshold: float) -> dict[tuple[int, int], float]:
    """Return pair (first < second) → product of all pairs above a threshold.

    Memory holds another 33 numbers a vector. A fast product nominates pairs; a sum in fixed order
    decides, because the product's last bits depend on the number of threads.

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
    shares = _shares(vectors)
    order = np.argsort(shares[:, 0], kind="stable")
    shares = shares[order]
    first = shares[:, 0].astype(np.float64)
    reach = np.sqrt(2 * (1 - threshold)) + _ROUNDING
    for start in range(0, len(order), _ROWS):
        rows = slice(start, start + _ROWS)
        stop = int(np.searchsorted(first, first[rows][-1] + reach, side="right"))
        for left in range(start, stop, _COLUMNS):
            columns = slice(left, min(left + _COLUMNS, stop))
            likely = shares[rows] @ shares[columns].T > threshold
            if left == start:
                likely = np.triu(likely, k=1)
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


def _shares(vectors: Vectors) -> Vectors:
    """Return (n, 33) each vector in the 32 leading directions, and the length of its rest."""
    sample = vectors[:: max(1, len(vectors) // _SAMPLE)].astype(np.float64)
    _, directions = np.linalg.eigh(sample.T @ sample)
    leading = directions[:, -_SHARES:][:, ::-1].astype(np.float32)
    shares = vectors @ leading
    squares = np.einsum("ij,ij->i", vectors, vectors) - np.einsum("ij,ij->i", shares, shares)
    rest = np.sqrt(np.clip(squares, 0, None) + _ROUNDED_OFF)  # rather too long than too short
    return np.concatenate([shares, rest[:, None]], axis=1).astype(np.float32)
