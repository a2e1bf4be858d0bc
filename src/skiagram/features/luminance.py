"""Colour images reduced to one channel, for families that are defined on intensities alone."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skiagram.errors import DataError

# Red, green and blue shares of luminance, Recommendation ITU-R BT.709-6, section 3.
_WEIGHTS = np.array([0.2126, 0.7152, 0.0722])


def luminance(images: NDArray[Any], family: str) -> NDArray[np.float64]:
    """Return the intensities that a feature family works on.

    Args:
        images: (n, height, width), taken as they are, or (n, height, width, 3) red, green, blue.
        family: Name of the family, for the message.

    Returns:
        (n, height, width) float64 in the unit of the images.

    Raises:
        DataError: The images have neither one channel nor three.
    """
    if images.ndim == 3:
        return images.astype(np.float64)
    if images.shape[-1] != len(_WEIGHTS):
        raise DataError(
            f"`{family}` is not defined for {images.shape[-1]} channels",
            where="features",
            allowed="1 channel, or 3 (red, green, blue) reduced to luminance",
            remedy=f"leave `{family}` out of `features`, or store one channel",
        )
    return images.astype(np.float64) @ _WEIGHTS
