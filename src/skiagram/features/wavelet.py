"""Feature family `wavelet`: how much of the image stands at each scale and orientation."""

from functools import partial
from typing import Annotated, Literal

import numpy as np
import pywt
from numpy.typing import NDArray
from pydantic import AfterValidator, Field
from pydantic.dataclasses import dataclass

from skiagram.features.batch import Batch
from skiagram.features.definition import Definition
from skiagram.features.statistics.sub_band import SubBand
from skiagram.features.sub_band_transform import mean_square, sub_bands
from skiagram.options import STRICT

_ORIENTATIONS = ("horizontal", "vertical", "diagonal")
_RELATIVE_FLOOR = 1e-12  # float32 images carry rounding noise of about 4e-15
_ABSOLUTE_FLOOR = float(np.finfo(np.float32).tiny)


def _discrete(name: str) -> str:
    if name not in pywt.wavelist(kind="discrete"):
        raise ValueError("a discrete wavelet of PyWavelets, for example haar, db2 or sym4")
    return name


def _distinct(values: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(values)) != len(values):
        raise ValueError("each statistic once")
    return values


Statistic = Literal[
    "log_energy", "mean_absolute", "standard_deviation", "excess_kurtosis", "entropy"
]


@dataclass(**STRICT)
class Wavelet:
    """Statistics of the sub-bands of a wavelet transform (Mallat, IEEE Trans. PAMI 11(7), 1989).

    Attributes:
        wavelet: Discrete wavelet by its name in PyWavelets.
        levels: Scales; level 1 is the finest. Scales larger than the image are computed too,
            and say little.
        boundary: How the image goes on beyond its border: as its mirror image, or from its
            other side (then the energies of an orthogonal wavelet sum to the image's).
        statistics: What is computed of each sub-band.
    """

    wavelet: Annotated[str, AfterValidator(_discrete)]
    levels: Annotated[int, Field(ge=1, le=12)]
    boundary: Literal["symmetric", "periodization"]
    statistics: Annotated[tuple[Statistic, ...], Field(min_length=1), AfterValidator(_distinct)]

    def names(self) -> tuple[str, ...]:
        """Return the feature names in column order: the coarsest scale first."""
        details = tuple(
            f"wavelet_level_{level}_{orientation}"
            for level in range(self.levels, 0, -1)
            for orientation in _ORIENTATIONS
        )
        bands = (f"wavelet_level_{self.levels}_approximation", *details)
        return tuple(f"{band}_{statistic}" for band in bands for statistic in self.statistics)

    def definitions(self) -> tuple[Definition, ...]:
        """Return what the features mean; a sub-band is named by its orientation."""
        name = "wavelet_level_<level>_<orientation>"
        known = {one.name: one for one in SubBand.definitions(name)}
        return tuple(known[f"{name}_{statistic}"] for statistic in self.statistics)

    def extract(self, batch: Batch) -> NDArray[np.float64]:
        """Compute the features of a batch of equally sized images of any size from 1×1.

        A sub-band whose mean square is below 1e-12 times the image's counts as empty, so that a
        constant image has values.

        Args:
            batch: Images of one channel, or of three reduced to luminance.

        Returns:
            (n, n_features) float64, finite.

        Raises:
            DataError: The images have neither one channel nor three, or they have masks.
        """
        batch.check_whole("wavelet")
        planes = batch.planes("wavelet")
        floor = np.maximum(_RELATIVE_FLOOR * mean_square(planes), _ABSOLUTE_FLOOR)
        described = partial(self._described, floor=floor)
        *details, approximation = map(
            described, sub_bands(planes, self.wavelet, self.boundary, self.levels)
        )
        each = len(_ORIENTATIONS)
        coarsest_first = [
            details[each * level + orientation]
            for level in range(self.levels - 1, -1, -1)
            for orientation in range(each)
        ]
        return np.hstack([approximation, *coarsest_first])

    def _described(
        self, band: NDArray[np.float64], floor: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        found = SubBand(band.reshape(len(band), -1), floor)
        return np.stack([getattr(found, statistic) for statistic in self.statistics], axis=1)
