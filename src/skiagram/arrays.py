"""What arrays hold, as annotations say it: a name for each kind of number."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]  # of single precision
Flags = NDArray[np.bool_]
Whole = NDArray[np.int64]
Texts = NDArray[np.str_]


def as_array(values: Any) -> NDArray[Any]:
    """Return values as an array of NumPy; what a masked array masks is NaN."""
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        return np.ma.filled(values.astype(np.float64), np.nan)
    return np.asarray(values)
