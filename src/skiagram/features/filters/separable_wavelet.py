"""Filter `separable_wavelet`: undecimated separable wavelets (IBSI 25BO)."""

from collections.abc import Sequence
from typing import Annotated, Self

import numpy as np
import pywt
from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from skiagram.arrays import Floats
from skiagram.features.filters.filter import Filter, Pooling
from skiagram.features.wavelet import Discrete
from skiagram.strict import STRICT


@dataclass(**STRICT)
class SeparableWavelet(Filter):
    """One band of a stationary wavelet transform (IBSI 25BO).

    Attributes:
        wavelet: Such as `haar`, `db3`, `coif1`.
        band: `L` (low-pass) or `H` (high-pass) along x, y and, in 3D, z.
        level: Of the decomposition, from 1 (IBSI GCEK): before it, the image is low-passed along
            all axes as many times less one, each with the kernel stretched to double.
        pooling: Of the responses to the kernels turned by all right angles; null for the kernels
            as they are.
    """

    wavelet: Discrete
    band: Annotated[str, Field(pattern="^[LH]{2,3}$")]
    level: Annotated[int, Field(ge=1, le=8)]
    pooling: Pooling | None

    @model_validator(mode="after")
    def _a_letter_an_axis(self) -> Self:
        if len(self.band) != len(self.axes):
            raise ValueError(f"{len(self.axes)} letters in {self.dimension}, one an axis")
        return self

    def _length(self, spacing: float) -> float:
        """Add up the reach of all levels, whose kernels double their length."""
        length = pywt.Wavelet(self.wavelet).dec_len
        return sum(length * 2**level // 2 + 1 for level in range(self.level))

    def respond(self, image: Floats, spacing: Sequence[float]) -> Floats:
        """Compute one band of the undecimated transform."""
        # Low and high pass along each axis, as the letters of the band say.
        wavelet = pywt.Wavelet(self.wavelet)
        low, high = np.array(wavelet.dec_lo), np.array(wavelet.dec_hi)
        kernels = []
        for letter in self.band:
            chosen = [low] * (self.level - 1) + [low if letter == "L" else high]
            stretched = []
            for level, kernel in enumerate(chosen):
                # zeros after each of its values, and a further one where that makes it odd
                length = 2**level * len(kernel)
                wide = np.zeros(length + 1 - length % 2)
                wide[: length : 2**level] = kernel
                stretched.append(wide)
            kernels.append(tuple(stretched))
        return self._convolve(image, kernels, self.pooling)
