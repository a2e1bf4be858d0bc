"""Statistics of the coefficients in one sub-band of a wavelet transform."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skiagram.features.feature import Column, Feature, Features, Quantity, ratio


@dataclass(frozen=True)
class SubBand(Features):
    """Statistics of n sub-bands of m coefficients c each.

    Attributes:
        coefficients: (n, m), finite float64.
        floor: (n,) > 0, the mean square below which a sub-band is empty but for rounding.
    """

    coefficients: NDArray[np.float64]
    floor: Column

    @Quantity
    def _square(self) -> NDArray[np.float64]:
        return self.coefficients**2

    @Quantity
    def _energy(self) -> Column:
        return self._square.mean(axis=1)

    @Feature
    def log_energy(self) -> Column:
        """Logarithm of the mean square.

        Formula: ln max(Σ c² / m, f), f the larger of 1e-12 times the image's mean square and
            1.2e-38
        Unit: 1
        Range: from −87.3
        """
        return np.log(np.maximum(self._energy, self.floor))

    @Feature
    def mean_absolute(self) -> Column:
        """Mean absolute coefficient.

        Formula: Σ |c| / m
        Unit: intensity
        Range: from 0
        """
        return np.abs(self.coefficients).mean(axis=1)

    @Feature
    def standard_deviation(self) -> Column:
        """Standard deviation of the coefficients, without Bessel's correction.

        Formula: σ = √(Σ (c − μ)² / m)
        Unit: intensity
        Range: from 0
        """
        return self.coefficients.std(axis=1)

    @Feature
    def excess_kurtosis(self) -> Column:
        """How heavy the tails are: edges and specks raise it; 0 for an empty sub-band.

        Formula: Σ (c − μ)⁴ / (m σ⁴) − 3
        Unit: 1
        Range: [−2, m − 3]
        """
        deviation = self.coefficients - self.coefficients.mean(axis=1, keepdims=True)
        square = deviation**2
        variance = square.mean(axis=1)
        kurtosis = ratio(np.square(square).mean(axis=1), variance**2)
        return np.where(variance > self.floor, kurtosis - 3, 0)

    @Feature
    def entropy(self) -> Column:
        """How evenly the energy is spread over the places; 0 for an empty sub-band.

        Formula: −Σ p log₂ p / log₂ m, p = c² / Σ c²
        Unit: 1
        Range: [0, 1]
        """
        places = self.coefficients.shape[1]
        share = self._square / (places * np.maximum(self._energy, self.floor))[:, None]
        bits = -np.sum(share * np.log2(np.where(share > 0, share, 1)), axis=1)
        return np.where(self._energy > self.floor, np.abs(bits) / np.log2(max(places, 2)), 0)
