"""Feature family `wavelet`: how much of the image stands at each scale and orientation."""

import warnings
from typing import Annotated, Literal

import numpy as np
import pywt
from numpy.typing import NDArray
from pydantic import AfterValidator, Field
from pydantic.dataclasses import dataclass

from skiagram.features.batch import Batch
from skiagram.options import STRICT

_ORIENTATIONS = ("horizontal", "vertical", "diagonal")
_RELATIVE_FLOOR = 1e-12  # float32 images carry rounding noise of about 4e-15
_ABSOLUTE_FLOOR = float(np.finfo(np.float32).tiny)


def _discrete(name: str) -> str:
    if name not in pywt.wavelist(kind="discrete"):
        raise ValueError("a discrete wavelet of PyWavelets, for example haar, db2 or sym4")
    return name


@dataclass(**STRICT)
class Wavelet:
    """Logarithms of the mean energy of the sub-bands (Mallat, IEEE Trans. PAMI 11(7), 1989).

    Attributes:
        wavelet: Discrete wavelet by its name in PyWavelets.
        levels: Scales; level 1 is the finest. Scales larger than the image are computed too,
            and say little.
        boundary: How the image goes on beyond its border: as its mirror image, or from its
            other side (then the energies of an orthogonal wavelet sum to the image's).
    """

    wavelet: Annotated[str, AfterValidator(_discrete)]
    levels: Annotated[int, Field(ge=1, le=12)]
    boundary: Literal["symmetric", "periodization"]

    def names(self) -> tuple[str, ...]:
        """Return the feature names in column order: the coarsest scale first."""
        details = tuple(
            f"wavelet_level_{level}_{orientation}_log_energy"
            for level in range(self.levels, 0, -1)
            for orientation in _ORIENTATIONS
        )
        return (f"wavelet_level_{self.levels}_approximation_log_energy", *details)

    def extract(self, batch: Batch) -> NDArray[np.float64]:
        """Compute the features of a batch of equally sized images of any size from 1×1.

        A feature is log max(e, f): e the mean squared coefficient of the sub-band, f the larger
        of 1e-12 times the image's mean square and 1.2e-38, so that a constant image has values.

        Args:
            batch: Images of one channel, or of three reduced to luminance.

        Returns:
            (n, n_features) float64, finite.

        Raises:
            DataError: The images have neither one channel nor three.
        """
        grey = batch.luminance("wavelet")
        floor = np.maximum(_RELATIVE_FLOOR * _mean_square(grey), _ABSOLUTE_FLOOR)
        energies = [_mean_square(band) for band in self._bands(grey)]
        return np.stack([np.log(np.maximum(energy, floor)) for energy in energies], axis=1)

    def _bands(self, grey: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Level value of .* is too high")
            approximation, *details = pywt.wavedec2(
                grey, self.wavelet, mode=self.boundary, level=self.levels, axes=(1, 2)
            )
        return [approximation, *(band for level in details for band in level)]


def _mean_square(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.mean(values**2, axis=(1, 2))
