"""Feature family `wavelet`: how much of the image stands at each scale and orientation."""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import pywt
from numpy.typing import NDArray
from pydantic import AfterValidator, Field
from pydantic.dataclasses import dataclass

from skiagram.arrays import Floats
from skiagram.features.family import WholeImageFamily
from skiagram.features.feature import Column
from skiagram.strict import STRICT

_BLOCK_VALUES = 2**17  # of one plane that are made float64 together
_LOW, _HIGH = 0, 1


def sub_bands(planes: NDArray[Any], wavelet: str, boundary: str, levels: int) -> Iterator[Floats]:
    """Yield horizontal, vertical and diagonal details, the finest first; then the approximation.

    Each level's rows are transformed twice, once for either half, which costs a fifth more time and
    saves the memory of an image: all takes one and a half times the memory of the planes as
    float64, if no band is kept.

    Args:
        planes: (n, height, width) of any depth.
        wavelet: By its name in PyWavelets.
        boundary: How planes go on beyond their border, by PyWavelets' names.
        levels: Scales.
    """
    # Each level splits the approximation of the one before; nothing is held longer than needed.
    filters = pywt.Wavelet(wavelet)
    for _ in range(levels):
        half = _half_of_rows(planes, filters, boundary, _LOW)
        approximation, horizontal = pywt.dwt(half, filters, boundary, axis=1)
        del half
        yield horizontal
        del horizontal
        half = _half_of_rows(planes, filters, boundary, _HIGH)
        vertical, diagonal = pywt.dwt(half, filters, boundary, axis=1)
        del half
        yield vertical
        del vertical
        yield diagonal
        del diagonal
        planes = approximation
    yield planes


def _half_of_rows(planes: NDArray[Any], wavelet: pywt.Wavelet, boundary: str, half: int) -> Floats:
    """Transform rows and keep one half of each, some rows at a time as float64."""
    count, height, width = planes.shape
    filtered = np.empty((count, height, pywt.dwt_coeff_len(width, wavelet.dec_len, boundary)))
    step = max(_BLOCK_VALUES // width, 1)
    for first in range(0, height, step):
        rows = slice(first, first + step)
        block = planes[:, rows].astype(np.float64)
        filtered[:, rows] = pywt.dwt(block, wavelet, boundary, axis=2)[half]
    return filtered


def mean_square(planes: NDArray[Any]) -> Column:
    """Compute the mean squared intensity of planes.

    Args:
        planes: (n, …) of any depth.

    Returns:
        (n,) float64.
    """
    values = planes.reshape(len(planes), -1)
    return np.einsum("ij,ij->i", values, values, dtype=np.float64) / values.shape[1]


_ORIENTATIONS = ("horizontal", "vertical", "diagonal")
_RELATIVE_FLOOR = 1e-12  # float32 images carry rounding noise of about 4e-15
_ABSOLUTE_FLOOR = float(np.finfo(np.float32).tiny)


def _check_discrete(name: str) -> str:
    if name not in pywt.wavelist(kind="discrete"):
        raise ValueError("a discrete wavelet of PyWavelets, for example haar, db2 or sym4")
    return name


Discrete = Annotated[str, AfterValidator(_check_discrete)]


@dataclass(**STRICT)
class Wavelet(WholeImageFamily):
    """Energies of the sub-bands of a wavelet transform (Mallat, IEEE Trans. PAMI 11(7), 1989).

    Attributes:
        wavelet: Discrete wavelet by its name in PyWavelets.
        levels: Scales; level 1 is the finest. Scales larger than the image are computed too,
            and say little.
        boundary: How the image goes on beyond its border: as its mirror image, or from its
            other side (then the energies of an orthogonal wavelet sum to the image's).
        statistics: Log energies alone; folders of earlier models say so.
    """

    wavelet: Discrete
    levels: Annotated[int, Field(ge=1, le=12)]
    boundary: Literal["symmetric", "periodization"]
    statistics: tuple[Literal["log_energy"]] = ("log_energy",)

    prefix: ClassVar[str] = "wavelet"

    def names(self) -> tuple[str, ...]:
        """List the feature names in column order: the coarsest scale first."""
        details = tuple(
            f"wavelet_level_{level}_{orientation}"
            for level in range(self.levels, 0, -1)
            for orientation in _ORIENTATIONS
        )
        bands = (f"wavelet_level_{self.levels}_approximation", *details)
        return tuple(f"{band}_log_energy" for band in bands)

    def describe(self, images: NDArray[Any]) -> Floats:
        """Compute the log energies of all sub-bands.

        A mean square below 1e-12 times the image's counts as that, so that a constant image has
        values.

        Args:
            images: (n, height, width) of any depth.

        Returns:
            (n, n_features).
        """
        floor = np.maximum(_RELATIVE_FLOOR * mean_square(images), _ABSOLUTE_FLOOR)

        def measure(band: Floats) -> Column:
            return np.log(np.maximum(mean_square(band), floor))

        # `map` lets go of a band before the next is made: half an image less memory.
        bands = map(measure, sub_bands(images, self.wavelet, self.boundary, self.levels))
        # Bands come from the finest on; the columns begin with the coarsest.
        *details, approximation = bands
        each = len(_ORIENTATIONS)
        coarsest_first = [
            details[each * level + orientation]
            for level in range(self.levels - 1, -1, -1)
            for orientation in range(each)
        ]
        return np.stack([approximation, *coarsest_first], axis=1)
