"""Directions in which pixels have neighbours, and how features of several become one.

IBSI reference manual, section 3.6: half of the neighbours at Chebyshev distance 1, since every
pair is counted in both orders and every run has two ends.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Aggregation = Literal["averaged", "merged"]

_PLANE = [(0, 0, 1), (0, 1, -1), (0, 1, 0), (0, 1, 1)]
_VOLUME = _PLANE + [(1, row, column) for row in (-1, 0, 1) for column in (-1, 0, 1)]


def directions(depth: int) -> NDArray[np.int64]:
    """Return the directions (slices, rows, columns) to a neighbour.

    Args:
        depth: Slices of the images; 1 for plane images.

    Returns:
        (4, 3) within a plane, (13, 3) within a volume; the first component is never negative.
    """
    return np.array(_PLANE if depth == 1 else _VOLUME, dtype=np.int64)


def average(features: NDArray[np.float64], counted: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return each image's features averaged over its matrices (IBSI BTW3, in volumes ITBB).

    Args:
        features: (n · k, n_features), the k matrices of an image one after the other.
        counted: (n, k), false for a matrix without entries, which is left out; an image without
            any has the features of its first matrix.

    Returns:
        (n, n_features).
    """
    of_image = features.reshape(*counted.shape, -1)
    counted = counted | (~counted.any(axis=1, keepdims=True) & (np.arange(counted.shape[1]) == 0))
    return np.sum(of_image * counted[..., None], axis=1) / counted.sum(axis=1)[:, None]
