"""Features of grey level run length matrices (IBSI reference manual, section 3.7, TP0I).

Galloway, Computer Graphics and Image Processing 4(2), 1975; Chu et al., Pattern Recognition Letters
11(6), 1990; Dasarathy and Holder, Pattern Recognition Letters 12(8), 1991. In the formulas r_ij is
the number of runs of level i and length j, N_s that of all runs, N_v that of the pixels in the
region (times the directions where these are merged), N_g the highest level, N_r the longest run.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skiagram.features.feature import Column, Feature, Features, Quantity
from skiagram.features.kernels.run_length import RunLengths


@dataclass(frozen=True)
class GlrlmFeatures(Features):
    """Features of m run length matrices, each with at least one run.

    Attributes:
        matrix: What is kept of the matrices.
    """

    matrix: RunLengths

    @Quantity
    def _runs(self) -> Column:
        return self.matrix.levels.sum(axis=1)

    @Quantity
    def _level(self) -> NDArray[np.float64]:
        return np.arange(1.0, self.matrix.levels.shape[1] + 1)

    @Quantity
    def _length(self) -> NDArray[np.float64]:
        return np.arange(1.0, self.matrix.lengths.shape[1] + 1)

    def _per_run(self, runs: NDArray[np.float64], weights: NDArray[np.float64]) -> Column:
        return runs @ weights / self._runs

    def _variance(self, runs: NDArray[np.float64], value: NDArray[np.float64]) -> Column:
        deviation = value - self._per_run(runs, value)[:, None]
        return np.sum(runs * deviation**2, axis=1) / self._runs

    @Feature
    def short_runs_emphasis(self) -> Column:
        """Mean of 1 / length² (22OV).

        Formula: Σ r_ij / j² / N_s
        Unit: 1
        Range: (0, 1]
        """
        return self._per_run(self.matrix.lengths, self._length**-2)

    @Feature
    def long_runs_emphasis(self) -> Column:
        """Mean squared length (W4KF).

        Formula: Σ r_ij j² / N_s
        Unit: pixel²
        Range: [1, N_r²]
        """
        return self._per_run(self.matrix.lengths, self._length**2)

    @Feature
    def low_grey_level_run_emphasis(self) -> Column:
        """Mean of 1 / level² (V3SW).

        Formula: Σ r_ij / i² / N_s
        Unit: 1
        Range: (0, 1]
        """
        return self._per_run(self.matrix.levels, self._level**-2)

    @Feature
    def high_grey_level_run_emphasis(self) -> Column:
        """Mean squared level (G3QZ).

        Formula: Σ r_ij i² / N_s
        Unit: 1
        Range: [1, N_g²]
        """
        return self._per_run(self.matrix.levels, self._level**2)

    @Feature
    def short_run_low_grey_level_emphasis(self) -> Column:
        """Mean of 1 / (level² length²): short dark runs (HTZT).

        Formula: Σ r_ij / (i² j²) / N_s
        Unit: 1
        Range: (0, 1]
        """
        return self._per_run(self.matrix.short, self._level**-2)

    @Feature
    def short_run_high_grey_level_emphasis(self) -> Column:
        """Mean of level² / length²: short bright runs (GD3A).

        Formula: Σ r_ij i² / j² / N_s
        Unit: 1
        Range: (0, N_g²]
        """
        return self._per_run(self.matrix.short, self._level**2)

    @Feature
    def long_run_low_grey_level_emphasis(self) -> Column:
        """Mean of length² / level²: long dark runs (IVPO).

        Formula: Σ r_ij j² / i² / N_s
        Unit: pixel²
        Range: (0, N_r²]
        """
        return self._per_run(self.matrix.long, self._level**-2)

    @Feature
    def long_run_high_grey_level_emphasis(self) -> Column:
        """Mean of level² length²: long bright runs (3KUM).

        Formula: Σ r_ij i² j² / N_s
        Unit: pixel²
        Range: [1, N_g² N_r²]
        """
        return self._per_run(self.matrix.long, self._level**2)

    @Feature
    def grey_level_non_uniformity(self) -> Column:
        """How unequally runs are spread over the levels (R5YN).

        Formula: Σ_i (Σ_j r_ij)² / N_s
        Unit: 1
        Range: [N_s / N_g, N_s]
        """
        return np.sum(self.matrix.levels**2, axis=1) / self._runs

    @Feature
    def normalised_grey_level_non_uniformity(self) -> Column:
        """Chance that two runs have the same level (OVBL).

        Formula: Σ_i (Σ_j r_ij)² / N_s²
        Unit: 1
        Range: [1 / N_g, 1]
        """
        return self.grey_level_non_uniformity / self._runs

    @Feature
    def run_length_non_uniformity(self) -> Column:
        """How unequally runs are spread over the lengths (W92Y).

        Formula: Σ_j (Σ_i r_ij)² / N_s
        Unit: 1
        Range: [N_s / N_r, N_s]
        """
        return np.sum(self.matrix.lengths**2, axis=1) / self._runs

    @Feature
    def normalised_run_length_non_uniformity(self) -> Column:
        """Chance that two runs have the same length (IC23).

        Formula: Σ_j (Σ_i r_ij)² / N_s²
        Unit: 1
        Range: [1 / N_r, 1]
        """
        return self.run_length_non_uniformity / self._runs

    @Feature
    def run_percentage(self) -> Column:
        """Runs per pixel (9ZK5).

        Formula: N_s / N_v
        Unit: 1
        Range: [1 / N_r, 1]
        """
        return self._runs / (self.matrix.lengths @ self._length)

    @Feature
    def grey_level_variance(self) -> Column:
        """Variance of the level over the runs (8CE5).

        Formula: Σ (i − Σ i r_ij / N_s)² r_ij / N_s
        Unit: 1
        Range: [0, (N_g − 1)² / 4]
        """
        return self._variance(self.matrix.levels, self._level)

    @Feature
    def run_length_variance(self) -> Column:
        """Variance of the length over the runs (SXLW).

        Formula: Σ (j − Σ j r_ij / N_s)² r_ij / N_s
        Unit: pixel²
        Range: [0, (N_r − 1)² / 4]
        """
        return self._variance(self.matrix.lengths, self._length)

    @Feature
    def run_entropy(self) -> Column:
        """Entropy of level and length over the runs (HJ9O).

        Formula: −Σ (r_ij / N_s) log₂(r_ij / N_s)
        Unit: bit
        Range: [0, log₂(N_g N_r)]
        """
        return np.maximum(np.log2(self._runs) - self.matrix.surprise / self._runs, 0)
