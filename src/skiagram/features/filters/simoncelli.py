"""Filter `simoncelli`: an isotropic band-pass of octaves, and its Riesz transforms (IBSI PRT7)."""

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass

from skiagram.arrays import Floats
from skiagram.features.filters.riesz import RieszFilter, in_frequencies, riesz
from skiagram.strict import STRICT

_MARGIN = 32  # voxels at the first level, doubled with each


@dataclass(**STRICT)
class Simoncelli(RieszFilter):
    """One band of Simoncelli's wavelet, alike in all directions (IBSI PRT7).

    Attributes:
        level: Of the decomposition, from 1 (IBSI GCEK): frequencies from a quarter to all of the
            highest, then each time half of them.
    """

    level: Annotated[int, Field(ge=1, le=8)]

    def _length(self, spacing: float) -> float:
        return np.inf

    def respond(self, image: Floats, spacing: Sequence[float]) -> Floats:
        """Compute the band's response, with the image continued by more voxels at each level."""
        margin = _MARGIN * 2 ** (self.level - 1)
        return in_frequencies(image, self.axes, self._gain, self.boundary, margin)

    def _gain(self, frequencies: Sequence[Floats]) -> NDArray[np.complex128]:
        """Compute the gain at frequencies, times Riesz's.

        It is cos(π/2 · log₂(2 |f| / f_max)) within the band's two octaves, 0 outside.
        """
        length = np.sqrt(sum(frequency**2 for frequency in frequencies))
        highest = 0.5 ** (self.level - 1)
        within = (length > highest / 4) & (length <= highest)
        octave = np.log2(np.where(within, 2 * length / highest, 1.0))
        gain = np.where(within, np.cos(np.pi / 2 * octave), 0.0)
        turned = 1.0 + 0j if self.riesz is None else riesz(self.riesz, frequencies)
        return gain * turned
