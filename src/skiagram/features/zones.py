"""Coarse layout of an image: mean intensities on a grid of zones."""

import numpy as np
from numpy.typing import NDArray


def zone_names(prefix: str, zones: int) -> tuple[str, ...]:
    """Return `<prefix>_<row>_<column>_mean` for each zone, counted from 1, row by row."""
    numbers = range(1, zones + 1)
    return tuple(f"{prefix}_{row}_{column}_mean" for row in numbers for column in numbers)


def zone_means(images: NDArray[np.float64], zones: int) -> NDArray[np.float64]:
    """Return the mean intensity of each zone.

    A zone takes in every row and column that it touches, so that zones of an image whose size
    their number does not divide overlap by a pixel, and even a 1×1 image has all of them.

    Args:
        images: (n, height, width).
        zones: Rows of zones, and columns of zones.

    Returns:
        (n, zones²), row by row.
    """
    rows = _shares(images.shape[1], zones)
    columns = _shares(images.shape[2], zones)
    return (rows @ images @ columns.T).reshape(len(images), -1)


def _shares(size: int, zones: int) -> NDArray[np.float64]:
    """Return the weight of each of `size` places in the mean of each zone, (zones, size)."""
    zone = np.arange(zones)[:, None]
    place = np.arange(size)
    touched = (place >= zone * size // zones) & (place < -(-(zone + 1) * size // zones))
    return touched / touched.sum(axis=1, keepdims=True)
