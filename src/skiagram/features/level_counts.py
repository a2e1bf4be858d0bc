"""Counts of what has a grey level and an extent: zones of a size, pixels of a dependence.

The matrices of the IBSI reference manual that have grey levels in their rows (sections 3.8, 3.9 and
3.11) share most of their features under names of their own; here they are computed, from the
entries that are not 0.
"""

from enum import IntEnum

import numpy as np

from skiagram.arrays import Floats, Whole
from skiagram.compiled.loops import compiled


@compiled
def list_entries(matrices: Whole) -> Whole:
    """List the entries above 0 of matrices, in order of image, extent and level.

    Args:
        matrices: (n, extents, levels) counts.

    Returns:
        (m, 4) image, extent, level and count.
    """
    n, extents, levels = matrices.shape
    # First how many there are, then the entries.
    occupied = 0
    for count in matrices.reshape(-1):
        occupied += int(count > 0)
    # Extents and levels count from 1.
    entries = np.empty((occupied, 4), dtype=np.int64)
    used = 0
    for image in range(n):
        for extent in range(extents):
            for level in range(levels):
                if matrices[image, extent, level] > 0:
                    entry = entries[used]
                    entry[0], entry[1], entry[2] = image, extent + 1, level + 1
                    entry[3] = matrices[image, extent, level]
                    used += 1
    return entries


# Where the sums of a matrix have each feature, as in each family's `definitions.toml`.
Feature = IntEnum(
    "Feature",
    "LOW_EXTENT_EMPHASIS HIGH_EXTENT_EMPHASIS LOW_LEVEL_EMPHASIS HIGH_LEVEL_EMPHASIS "
    "LOW_EXTENT_LOW_LEVEL_EMPHASIS LOW_EXTENT_HIGH_LEVEL_EMPHASIS "
    "HIGH_EXTENT_LOW_LEVEL_EMPHASIS HIGH_EXTENT_HIGH_LEVEL_EMPHASIS LEVEL_NON_UNIFORMITY "
    "NORMALISED_LEVEL_NON_UNIFORMITY EXTENT_NON_UNIFORMITY "
    "NORMALISED_EXTENT_NON_UNIFORMITY RATE LEVEL_VARIANCE EXTENT_VARIANCE ENTROPY ENERGY",
    start=0,
)
_FEATURES = len(Feature)
_SHARES = (
    *(Feature.LEVEL_NON_UNIFORMITY, Feature.NORMALISED_LEVEL_NON_UNIFORMITY),
    *(Feature.EXTENT_NON_UNIFORMITY, Feature.NORMALISED_EXTENT_NON_UNIFORMITY, Feature.RATE),
)
# All others are means over what is counted.
_MEANS = tuple(int(feature) for feature in Feature if feature not in _SHARES)


@compiled
def describe_entries(entries: Whole, pixels: Floats) -> Floats:
    """Compute the features of n matrices.

    Args:
        entries: (m, 4) image, extent, level and count of each entry above 0, in the order of image
            and extent; extent and level from 1. Each image has one.
        pixels: (n,) what the rate is relative to; 0 for the sum of all extents.

    Returns:
        (n, 17) the features of each matrix.
    """
    # Entries of one image follow each other.
    sums = np.zeros((len(pixels), _FEATURES))
    highest = 0
    for entry in range(len(entries)):
        highest = max(highest, entries[entry, 2])
    counts_by_level = np.empty(highest + 1)
    begin = 0
    for image in range(len(pixels)):
        end = begin
        while end < len(entries) and entries[end, 0] == image:
            end += 1
        _describe_matrix(entries[begin:end], pixels[image], counts_by_level, sums[image])
        begin = end
    return sums


@compiled
def _describe_matrix(entries: Whole, pixels: float, counts_by_level: Floats, sums: Floats) -> None:
    """Add up one matrix, in two passes, so that what is all alike has exactly no variance."""
    # The means about which both variances are taken.
    total = level_sum = extent_sum = 0.0
    for entry in range(len(entries)):
        total += entries[entry, 3]
        level_sum += entries[entry, 2] * entries[entry, 3]
        extent_sum += entries[entry, 1] * entries[entry, 3]
    # Emphases of small and large extents and levels.
    counts_by_level[:] = 0
    before, extent_count = np.int64(0), 0.0
    for entry in range(len(entries)):
        extent, level = np.float64(entries[entry, 1]), np.float64(entries[entry, 2])
        count = np.float64(entries[entry, 3])
        square, other = extent * extent, level * level
        sums[Feature.LOW_EXTENT_EMPHASIS] += count / square
        sums[Feature.HIGH_EXTENT_EMPHASIS] += count * square
        sums[Feature.LOW_LEVEL_EMPHASIS] += count / other
        sums[Feature.HIGH_LEVEL_EMPHASIS] += count * other
        sums[Feature.LOW_EXTENT_LOW_LEVEL_EMPHASIS] += count / (square * other)
        sums[Feature.LOW_EXTENT_HIGH_LEVEL_EMPHASIS] += count * other / square
        sums[Feature.HIGH_EXTENT_LOW_LEVEL_EMPHASIS] += count * square / other
        sums[Feature.HIGH_EXTENT_HIGH_LEVEL_EMPHASIS] += count * square * other
        # Entries come by extent: a new one closes the sum of the last.
        if entries[entry, 1] != before:
            sums[Feature.NORMALISED_EXTENT_NON_UNIFORMITY] += (extent_count / total) ** 2
            before, extent_count = entries[entry, 1], 0.0
        extent_count += count
        counts_by_level[entries[entry, 2]] += count
        sums[Feature.LEVEL_VARIANCE] += count * (level - level_sum / total) ** 2
        sums[Feature.EXTENT_VARIANCE] += count * (extent - extent_sum / total) ** 2
        sums[Feature.ENTROPY] += count * np.log2(count / total)
        sums[Feature.ENERGY] += count * (count / total)
    # Non-uniformities, and shares of the whole.
    for number in range(len(counts_by_level)):
        sums[Feature.NORMALISED_LEVEL_NON_UNIFORMITY] += (counts_by_level[number] / total) ** 2
    sums[Feature.NORMALISED_EXTENT_NON_UNIFORMITY] += (extent_count / total) ** 2
    sums[Feature.LEVEL_NON_UNIFORMITY] = total * sums[Feature.NORMALISED_LEVEL_NON_UNIFORMITY]
    sums[Feature.EXTENT_NON_UNIFORMITY] = total * sums[Feature.NORMALISED_EXTENT_NON_UNIFORMITY]
    sums[Feature.RATE] = total / (pixels if pixels > 0 else extent_sum)
    for feature in _MEANS:
        sums[feature] /= total
    sums[Feature.ENTROPY] = abs(sums[Feature.ENTROPY])


@compiled
def describe_matrices(matrices: Whole, pixels: Floats) -> Floats:
    """Compute the features of matrices by their entries; see `describe_entries`.

    Args:
        matrices: (n, extents, levels) counts.
        pixels: (n,) what the rate is relative to.
    """
    return describe_entries(list_entries(matrices), pixels)
