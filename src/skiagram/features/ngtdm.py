"""Feature family `ngtdm`: how far grey levels are from the mean of their neighbours."""

from dataclasses import dataclass as record
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from skiagram.features.batch import Batch, Region
from skiagram.features.discretisation import Discretisation
from skiagram.features.feature import Column, Feature, Features, GroupFamily, Quantity, ratio
from skiagram.features.kernels.tone_difference import level_pairs, tone_differences
from skiagram.options import STRICT

MOST_COARSENESS = 1e6


@record(frozen=True)
class NgtdmFeatures(Features):
    """Features of n neighbourhood grey tone difference matrices (IBSI manual, section 3.10).

    Amadasun and King, IEEE Trans. SMC 19(5), 1989. Of N pixels that have a neighbour in the region,
    n_i = N p_i have level i, and their differences from the mean of their neighbours sum to s_i.
    N_p of the N_g levels occur; sums over levels are over those. With no difference anywhere, as
    in a constant image or a region of one pixel, coarseness is 10⁶ and all else is 0.

    Attributes:
        counts: (n, N_g) int64, n_i.
        sums: (n, N_g) float64, s_i.
    """

    counts: NDArray[np.int64]
    sums: NDArray[np.float64]

    @Quantity
    def _pixels(self) -> Column:
        return self.counts.sum(axis=1).astype(np.float64)

    @Quantity
    def _weighted_sum(self) -> Column:
        return ratio(np.sum(self.counts * self.sums, axis=1), self._pixels)

    @Quantity
    def _pairs(self) -> tuple[Column, Column, Column]:
        return level_pairs(self.counts, self.sums)

    @Feature
    def coarseness(self) -> Column:
        """How little the levels change from place to place, at most 10⁶ (QCDE).

        Formula: 1 / Σ p_i s_i
        Unit: 1
        Range: (0, 10⁶]
        """
        return 1 / np.maximum(self._weighted_sum, 1 / MOST_COARSENESS)

    @Feature
    def contrast(self) -> Column:
        """Spread of the levels, times their mean local difference; 0 for one level (65HE).

        Formula: Σ_ij p_i p_j (i − j)² / (N_p (N_p − 1)) · Σ s_i / N
        Unit: 1
        Range: [0, (N_g − 1)³ / 4]
        """
        level = np.arange(1, self.counts.shape[1] + 1)
        share = self.counts / np.maximum(self._pixels, 1)[:, None]
        mean = (share @ level)[:, None]
        spread = 2 * np.sum(share * (level - mean) ** 2, axis=1)  # Σ_ij p_i p_j (i − j)²
        occurring = np.count_nonzero(self.counts, axis=1)
        local = ratio(self.sums.sum(axis=1), self._pixels)
        return ratio(spread * local, occurring * (occurring - 1))

    @Feature
    def busyness(self) -> Column:
        """Local differences over differences of the levels; 0 where those are 0 (NQ30).

        Formula: Σ p_i s_i / Σ_ij |i p_i − j p_j|
        Unit: 1
        Range: [0, ∞)
        """
        return ratio(self._weighted_sum * self._pixels, self._pairs[0])

    @Feature
    def complexity(self) -> Column:
        """Differences between levels, weighted by their local differences (HDEZ).

        Formula: Σ_ij |i − j| (p_i s_i + p_j s_j) / (p_i + p_j) / N
        Unit: 1
        Range: [0, ∞)
        """
        return ratio(self._pairs[1], self._pixels)

    @Feature
    def strength(self) -> Column:
        """Differences between levels over local differences; 0 where those are 0 (1X9X).

        Formula: Σ_ij (p_i + p_j) (i − j)² / Σ s_i
        Unit: 1
        Range: [0, ∞)
        """
        return ratio(ratio(self._pairs[2], self._pixels), self.sums.sum(axis=1))


@dataclass(**STRICT)
class Ngtdm(GroupFamily):
    """Neighbourhood grey tone difference matrix, at Chebyshev distance 1 (IBSI IPET).

    Attributes:
        levels: How intensities become grey levels.
        region: `whole` or `bright`, as in `Batch.region`.
    """

    levels: Discretisation
    region: Region

    prefix: ClassVar[str] = "ngtdm"
    group: ClassVar[type[Features]] = NgtdmFeatures

    def extract(self, batch: Batch) -> NDArray[np.float64]:
        """Compute the features of a batch of equally sized images of any size from 1×1.

        Args:
            batch: Images of one channel, or of three reduced to luminance.

        Returns:
            (n, 5) float64, finite.

        Raises:
            DataError: The images have neither one channel nor three, or too many grey levels.
        """
        found = batch.levels(self.levels, self.region, "ngtdm")
        return NgtdmFeatures(*tone_differences(found.levels, found.number)).columns()
