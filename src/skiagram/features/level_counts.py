"""Counts of what has a grey level and an extent: zones of a size, pixels of a dependence.

The matrices of the IBSI reference manual that have grey levels in their rows (sections 3.8, 3.9 and
3.11) share most of their features under names of their own; here they are computed, from the
entries that are not 0.
"""

import numpy as np
from numpy.typing import NDArray

from skiagram.arrays import Floats, Whole
from skiagram.compiled.loops import compiled
from skiagram.features.neighbours import Forest, Levels

_BLOCK = 2**18  # cells whose zones are counted at a time, so that they take no image's memory


def tally_entries(cells: Levels, zones: Forest, extents: NDArray[np.integer], n: int) -> Whole:
    """Count the zones of each extent and level of n images.

    Zones of distinct (size, level) fill an image soonest when every level has the sizes 1, 2, …, so
    P pixels of L levels hold at most √(2PL) + L distinct ones.

    Args:
        cells: Levels of framed images, one after the other, in any shape.
        zones: As of `zone_forest`.
        extents: At the root of each zone its extent, or minus it.

    Returns:
        (entries, 4): image, extent, level and how many, in the order of the first three.
    """
    cells, most_levels = cells.reshape(-1), int(cells.max()) + 1
    most_extents = max(int(extents.max()), -int(extents.min())) + 1
    every: Whole = np.zeros(0, dtype=np.int64)
    total: Whole = np.zeros(0, dtype=np.int64)
    for first in range(0, len(cells), _BLOCK):
        # One number says image, extent and level of a zone.
        roots = first + np.flatnonzero(zones[first : first + _BLOCK] < 0)
        extent_keys = roots // (len(cells) // n) * most_extents + np.abs(extents[roots])
        keys, counts = np.unique(extent_keys * most_levels + cells[roots], return_counts=True)
        every, place = np.unique(np.concatenate([every, keys]), return_inverse=True)
        total = np.bincount(place, np.concatenate([total, counts])).astype(np.int64)
    extent_keys, levels = np.divmod(every, most_levels)
    image, extent = np.divmod(extent_keys, most_extents)
    return np.stack([image, extent, levels, total], axis=1)


FIELDS = (
    *("low_extent_emphasis", "high_extent_emphasis", "low_level_emphasis", "high_level_emphasis"),
    *("low_extent_low_level_emphasis", "low_extent_high_level_emphasis"),
    *("high_extent_low_level_emphasis", "high_extent_high_level_emphasis"),
    *("level_non_uniformity", "normalised_level_non_uniformity"),
    *("extent_non_uniformity", "normalised_extent_non_uniformity", "rate"),
    *("level_variance", "extent_variance", "entropy", "energy"),
)


@compiled
def describe_entries(entries: Whole, pixels: Floats) -> Floats:
    """Compute the features of n matrices.

    Args:
        entries: (m, 4) image, extent, level and count of each entry above 0, in the order of image
            and extent; extent and level from 1. Each image has one.
        pixels: (n,) what the rate is relative to; 0 for the sum of all extents.

    Returns:
        (n, 17) the `FIELDS` of each matrix.
    """
    # Entries of one image follow each other.
    sums = np.zeros((len(pixels), len(FIELDS)))
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
        sums[0] += count / square
        sums[1] += count * square
        sums[2] += count / other
        sums[3] += count * other
        sums[4] += count / (square * other)
        sums[5] += count * other / square
        sums[6] += count * square / other
        sums[7] += count * square * other
        # Entries come by extent: a new one closes the sum of the last.
        if entries[entry, 1] != before:
            sums[11] += (extent_count / total) ** 2
            before, extent_count = entries[entry, 1], 0.0
        extent_count += count
        counts_by_level[entries[entry, 2]] += count
        sums[13] += count * (level - level_sum / total) ** 2
        sums[14] += count * (extent - extent_sum / total) ** 2
        sums[15] += count * np.log2(count / total)
        sums[16] += count * (count / total)
    # Non-uniformities, and shares of the whole.
    for number in range(len(counts_by_level)):
        sums[9] += (counts_by_level[number] / total) ** 2
    sums[11] += (extent_count / total) ** 2
    sums[8], sums[10] = total * sums[9], total * sums[11]
    sums[12] = total / (pixels if pixels > 0 else extent_sum)
    for field in (0, 1, 2, 3, 4, 5, 6, 7, 13, 14, 15, 16):
        sums[field] /= total
    sums[15] = abs(sums[15])


def describe_matrices(matrices: Whole, pixels: Floats) -> Floats:
    """Compute the features of (n, extents, levels) matrices; see `describe_entries`."""
    image, extent, level = np.nonzero(matrices)
    entries = np.stack([image, extent + 1, level + 1, matrices[image, extent, level]], axis=1)
    return describe_entries(entries, pixels)
