"""Feature family `ngtdm`: grey levels against the mean of their neighbours (IBSI 3.10, IPET)."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from skiagram.arrays import Floats, Whole
from skiagram.compiled.loops import compiled
from skiagram.features.discretisation import GreyLevels
from skiagram.features.family import TextureFamily, add_parts
from skiagram.features.neighbours import Levels, steps_around
from skiagram.strict import STRICT


@compiled
def tone_differences(
    framed: Levels, around: Whole, number: int, isolated: bool
) -> tuple[Whole, Floats]:
    """Compare each pixel with the mean of its 8 neighbours, each voxel with that of its 26.

    Neighbours outside the region do not count; a pixel without any is left out, or counted with a
    difference of 0 where `isolated` is true.

    Args:
        framed: (n, cells) of images in a frame of zeros.
        around: Ascending steps to the neighbours, and to the pixel itself.

    Returns:
        (n, number) pixels of each level, n_i, and the sum of their differences from the mean of
        their neighbours, s_i.
    """
    n, most, far = len(framed), len(around), around[-1]
    counts, sums = np.zeros((n, number), dtype=np.int64), np.zeros((n, number))
    pixels = np.zeros((number + 1, most), dtype=np.int64)  # of each level and number around
    apart = np.zeros((number + 1, most), dtype=np.int64)
    for image in range(n):
        # Sums over the square or cube around each pixel.
        cells = framed[image]
        centre = cells[far : len(cells) - far]
        total = np.zeros(len(centre), dtype=np.int32)
        for step in around:
            _add(cells[far + step :], total)
        # Whole numbers: the difference from the mean, times how many neighbours there are.
        for place in range(len(centre)):
            level = np.int64(centre[place])
            if level > 0:
                number_around = np.int64(total[place] >> _BITS) - 1
                others = np.int64(total[place] & (_PIXEL - 1)) - level
                pixels[level, number_around] += 1
                apart[level, number_around] += abs(level * number_around - others)
        # Differences of each level, weighted by how many neighbours there were.
        for place in range(number):
            if isolated:
                counts[image, place] += pixels[place + 1, 0]
            for neighbours in range(1, most):
                counts[image, place] += pixels[place + 1, neighbours]
                sums[image, place] += apart[place + 1, neighbours] / neighbours
        pixels[:] = 0
        apart[:] = 0
    return counts, sums


_BITS = 16
_PIXEL = 2**_BITS  # a pixel of the region is counted above the sum of up to 27 levels


@compiled
def _add(levels: Levels, total: NDArray[np.int32]) -> None:
    for x in range(len(total)):
        level = np.int32(levels[x])
        total[x] += level + np.int32(level > 0) * np.int32(_PIXEL)


@compiled
def level_pairs(count: Whole, sum_: Floats) -> tuple[float, float, float]:
    """Sum over all ordered pairs of levels i, j that occur in an image.

    Args:
        count: (number,) pixels of each level, n_i.
        sum_: (number,) sums of differences, s_i.

    Returns:
        Σ |i n_i − j n_j|, Σ |i − j| (n_i s_i + n_j s_j) / (n_i + n_j) and Σ (n_i + n_j) (i − j)².
    """
    # Ordered pairs are twice the unordered ones.
    products = weighted = squares = 0.0
    for i in range(len(count)):
        for j in range(i):
            if count[i] > 0 and count[j] > 0:
                both = count[i] + count[j]
                mixed = (count[i] * sum_[i] + count[j] * sum_[j]) / both
                products += 2 * abs((i + 1) * count[i] - (j + 1) * count[j])
                weighted += 2 * (i - j) * mixed
                squares += 2 * both * (i - j) ** 2
    return products, weighted, squares


MAX_COARSENESS = 1e6


@compiled
def relate(counts: Whole, sums: Floats) -> Floats:
    """Compute the features in column order, (5, n)."""
    n, number = counts.shape
    features = np.zeros((5, n))
    # Sums over the levels that occur.
    for image in range(n):
        pixels = weighted = total = mean = 0.0
        occurring = 0
        for level in range(number):
            pixels += counts[image, level]
            weighted += counts[image, level] * sums[image, level]
            total += sums[image, level]
            mean += counts[image, level] * (level + 1)
            occurring += counts[image, level] > 0
        # Coarseness has an upper limit where nothing varies.
        features[0, image] = MAX_COARSENESS
        if pixels == 0:
            continue
        spread = 0.0  # Σ_ij p_i p_j (i − j)²
        for level in range(number):
            spread += 2 * counts[image, level] / pixels * (level + 1 - mean / pixels) ** 2
        # Contrast, busyness, complexity and strength, as far as they are defined.
        products, mixed, squares = level_pairs(counts[image], sums[image])
        features[0, image] = 1 / max(weighted / pixels, 1 / MAX_COARSENESS)
        if occurring > 1:
            features[1, image] = spread * total / pixels / (occurring * (occurring - 1))
        if products > 0:
            features[2, image] = weighted / products
        features[3, image] = mixed / pixels
        if total > 0:
            features[4, image] = squares / pixels / total
    return features


@dataclass(**STRICT)
class Ngtdm(TextureFamily):
    """Neighbourhood grey tone difference matrix, at Chebyshev distance 1 (IBSI IPET).

    Attributes:
        isolated: Whether a voxel without a neighbour in the region counts, with a difference of 0,
            as in PyRadiomics; the IBSI leaves it out.
    """

    isolated: bool = False

    prefix: ClassVar[str] = "ngtdm"

    def describe(self, grey: GreyLevels) -> Floats:
        framed = self.parts(grey).framed
        cells, around = framed.reshape(len(framed), -1), steps_around(framed.shape, 1)
        counts, sums = tone_differences(cells, around, grey.number, self.isolated)
        return relate(add_parts(counts, grey), add_parts(sums, grey)).T
