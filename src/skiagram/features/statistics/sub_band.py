"""Statistics of the coefficients in one sub-band of a wavelet transform."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skiagram.features.feature import Column, Feature, Features, Quantity, ratio
from skiagram.features.kernels.coefficients import coefficient_moments, energy_entropy


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
    def _moments(self) -> NDArray[np.float64]:
        return coefficient_moments(self.coefficients)

    @Feature
    def log_energy(self) -> Column:
        """Logarithm of the mean square.

        Formula: ln max(Σ c² / m, f), f the larger of 1e-12 times the image's mean square and
            1.2e-38
        Unit: 1
        Range: from −87.3
        """
        return np.log(np.maximum(self._moments[1], self.floor))

    @Feature
    def mean_absolute(self) -> Column:
        """Mean absolute coefficient.

        Formula: Σ |c| / m
        Unit: intensity
        Range: from 0
        """
        return self._moments[0]

    @Feature
    def standard_deviation(self) -> Column:
        """Standard deviation of the coefficients, without Bessel's correction.

        Formula: σ = √(Σ (c − μ)² / m)
        Unit: intensity
        Range: from 0
        """
        return np.sqrt(self._moments[2])

    @Feature
    def excess_kurtosis(self) -> Column:
        """How heavy the tails are: edges and specks raise it; 0 for an empty sub-band.

        Formula: Σ (c − μ)⁴ / (m σ⁴) − 3
        Unit: 1
        Range: [−2, m − 3]
        """
        _, _, variance, fourth = self._moments
        kurtosis = ratio(fourth, variance**2)
        return np.where(variance > self.floor, kurtosis - 3, 0)

    @Feature
    def entropy(self) -> Column:
        """How evenly the energy is spread over the places; 0 for an empty sub-band.

        Formula: −Σ p log₂ p / log₂ m, p = c² / Σ c²
        Unit: 1
        Range: [0, 1]
        """
        places, energy = self.coefficients.shape[1], self._moments[1]
        bits = energy_entropy(self.coefficients, places * np.maximum(energy, self.floor))
        return np.where(energy > self.floor, np.abs(bits) / np.log2(max(places, 2)), 0)
