"""Occlusion (Zeiler & Fergus 2014): what a place is worth is the score lost where it is blanked."""

import itertools
import math
from collections.abc import Sequence

import numpy as np

from skiagram.arrays import Floats

Window = tuple[slice, ...]


def slide_window(shape: Sequence[int], sides: Sequence[int], steps: Sequence[int]) -> list[Window]:
    """List the places of a window that moves over a grid; the last ones are cut at its edge."""
    starts = [
        [step * number for number in range(max(1, math.ceil((length - side) / step) + 1))]
        for length, side, step in zip(shape, sides, steps, strict=True)
    ]
    return [
        tuple(slice(start, start + side) for start, side in zip(corner, sides, strict=True))
        for corner in itertools.product(*starts)
    ]


def occlusion_maps(shape: Sequence[int], windows: Sequence[Window], loss: Floats) -> Floats:
    """Compute (n, *shape): of each place the mean loss over the windows that hold it.

    Args:
        shape: Of the grid of places; every one lies in a window.
        loss: (windows, n) score of each image less its score with a window blanked.
    """
    total = np.zeros((loss.shape[1], *shape))
    holding = np.zeros(tuple(shape))
    for window, lost in zip(windows, loss, strict=True):
        total[(slice(None), *window)] += lost.reshape(-1, *[1] * len(shape))
        holding[window] += 1
    return total / holding
