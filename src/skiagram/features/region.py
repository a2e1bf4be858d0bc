"""Regions found in an image by its intensities alone."""

import numpy as np
from numpy.typing import NDArray

from skiagram.features.discretisation import Discretisation, histograms

_FINE = Discretisation(bin_number=256, bin_width=None)


def bright_region(images: NDArray[np.float64], inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the pixels above Otsu's threshold over 256 grey levels.

    Otsu, IEEE Trans. SMC 9(1), 1979.

    Args:
        images: (n, height, width), finite.
        inside: (n, height, width), true where to look; at least one pixel an image.

    Returns:
        (n, height, width), within `inside`; all of it where the intensities are constant.
    """
    levels = _FINE.grey_levels(images, inside).levels[:, 0]
    shares = histograms(levels.astype(np.int64), 257)[:, 1:]
    shares /= shares.sum(axis=1, keepdims=True)
    below = np.cumsum(shares, axis=1)
    moment = np.cumsum(shares * np.arange(1, 257), axis=1)
    spread = below * (1 - below)
    between = np.divide(
        (moment[:, -1:] * below - moment) ** 2,
        spread,
        out=np.zeros_like(spread),
        where=spread > 1e-12,
    )
    threshold = np.where(between.max(axis=1) > 0, 1 + between.argmax(axis=1), 0)
    bright: NDArray[np.bool_] = levels > threshold[:, None, None]
    return bright
