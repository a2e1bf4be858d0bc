"""Restoration as a fixed order of steps, each of which can be switched off (first slice: fill)."""

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from skiagram.options import STRICT
from skiagram.restoration.contract import Treatment
from skiagram.store import Image


@dataclass(**STRICT)
class StepwiseRestoration:
    """Fill missing values."""

    def restore(self, image: Image) -> tuple[NDArray[np.float32], Treatment]:
        """Restore one image."""
        restored = image.astype(np.float32)
        missing = ~np.isfinite(restored)
        if missing.any():
            restored[missing] = restored[~missing].mean()
        return restored, Treatment(int(missing.sum()), 0, float("nan"))
