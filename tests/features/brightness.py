"""A feature family for tests of extraction: it refuses very bright images."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skiagram.errors import DataError
from skiagram.features.batch import FeatureBatch
from skiagram.features.feature import Definition


@dataclass(frozen=True)
class Brightness:
    """Energy and mean of the intensities."""

    def names(self) -> tuple[str, ...]:
        return ("brightness_energy", "brightness_mean")

    def definitions(self) -> tuple[Definition, ...]:
        return ()

    def extract(self, batch: FeatureBatch) -> NDArray[np.float64]:
        grey = batch.luminance("brightness")
        if (grey.max(axis=(1, 2)) > 1e30).any():
            raise DataError("too bright", where="features", allowed="up to 1e30")
        return np.stack([(grey**2).sum(axis=(1, 2)), grey.mean(axis=(1, 2))], axis=1)
