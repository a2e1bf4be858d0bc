"""CT numbers from stored pixels whose rescale intercept is known for some series only.

CT numbers start at −1024 HU. A scanner that stores them with an intercept of −1024 or −1000 HU
writes no negative number; one that stores them as they are writes air and lung as negative numbers.
So the sign of a series' darkest pixels tells the two apart, without a look at any label. The rule
cannot tell −1000 from −1024; it takes −1024 and may then be 24 HU too low.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

INTERCEPT = -1024.0
_DARK_PERCENTILE = 5


def inferred_intercept(stored: NDArray[np.integer], padding: Sequence[int]) -> float:
    """Return the rescale intercept in HU that the stored pixels of one series speak for.

    Args:
        stored: Stored pixels of all images of the series, of any shape.
        padding: Stored values outside the field of view; they do not count.

    Returns:
        0 where the 5th percentile is negative, else −1024.
    """
    seen = stored[~np.isin(stored, padding)]
    if seen.size and np.percentile(seen, _DARK_PERCENTILE) < 0:
        return 0.0
    return INTERCEPT


def ct_numbers(
    stored: NDArray[np.integer], slope: float, intercept: float, padding: Sequence[int]
) -> NDArray[np.float32]:
    """Return CT numbers in HU; pixels outside the field of view are NaN.

    Args:
        stored: (height, width) stored pixels.
        slope: HU a stored unit.
        intercept: HU of stored 0.
        padding: Stored values outside the field of view.
    """
    numbers = stored.astype(np.float32) * np.float32(slope) + np.float32(intercept)
    numbers[np.isin(stored, padding)] = np.nan
    return numbers
