"""Colour reduced to luminance, for whoever works on one channel."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skiagram.errors import DataError

# Red, green and blue shares of luminance, Recommendation ITU-R BT.709-6, section 3.
_WEIGHTS = np.array([0.2126, 0.7152, 0.0722])


def luminance(images: NDArray[Any], family: str) -> NDArray[np.float64]:
    """Return (n, height, width) float64 of images of one channel, or of red, green and blue."""
    if images.ndim == 3:
        return images.astype(np.float64)
    if images.shape[-1] != len(_WEIGHTS):
        raise DataError(
            f"`{family}` is not defined for {images.shape[-1]} channels",
            where="features",
            allowed="1 channel, or 3 (red, green, blue) reduced to luminance",
            remedy=f"leave `{family}` out of `features`, or store one channel",
        )
    reduced: NDArray[np.float64] = images.astype(np.float64) @ _WEIGHTS
    return reduced
