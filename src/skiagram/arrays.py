"""What arrays hold, as annotations say it: a name for each kind of number."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]  # of single precision
Flags = NDArray[np.bool_]
Whole = NDArray[np.int64]
Texts = NDArray[np.str_]
