"""Percentiles without sorting: a histogram finds the few values that are worth selecting from."""

import numpy as np
from numpy.typing import NDArray

from skiagram.compute.compiled import compiled

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_MIN_BINS, _MAX_BINS = 256, 65536  # the counts of all bins stay in a processor's cache


@compiled
def percentiles(values: Floats, fractions: Floats, lowest: float, highest: float) -> Floats:
    """Return percentiles, linearly interpolated (Hyndman and Fan, Am. Stat. 50(4), 1996, type 7).

    Args:
        values: (m,), finite, at least one.
        fractions: (k,) in [0, 1], k at most 63.
    """
    last = len(values) - 1
    ranks = np.empty(2 * len(fractions), dtype=np.int64)
    for number in range(len(fractions)):
        ranks[2 * number] = int(last * fractions[number])
        ranks[2 * number + 1] = min(ranks[2 * number] + 1, last)
    ordered = order_statistics(values, ranks, lowest, highest)
    results = np.empty(len(fractions))
    for number in range(len(fractions)):
        share = last * fractions[number] - ranks[2 * number]
        results[number] = between(ordered[2 * number], ordered[2 * number + 1], share)
    return results


@compiled
def between(below: float, above: float, share: float) -> float:
    """Return the point at a share in [0, 1) of the way, from the nearer end as NumPy does."""
    if share < 0.5:
        return below + (above - below) * share
    return above - (above - below) * (1 - share)


@compiled
def order_statistics(values: Floats, ranks: Integers, lowest: float, highest: float) -> Floats:
    """Return the values that would stand at some ranks, from 0, if all were sorted.

    Args:
        values: (m,), finite, at least one.
        ranks: (k,) in [0, m), k at most 127.
    """
    if lowest == highest:
        return np.full(len(ranks), lowest)
    bins = _MIN_BINS
    while bins < min(len(values) // 4, _MAX_BINS):
        bins *= 2
    counts = np.zeros(bins, dtype=np.int64)
    for value in values:
        counts[_bin(value, lowest, highest, bins)] += 1
    slot_of_bin = np.full(bins, -1, dtype=np.int8)
    slot, within, size = np.empty_like(ranks), np.empty_like(ranks), np.zeros_like(ranks)
    slots = _mark(counts, ranks, slot_of_bin, slot, within, size)
    least, most = _extremes(values, lowest, highest, slot_of_bin, slots)
    start = np.zeros(slots + 1, dtype=np.int64)
    for number in range(slots):  # of one value alone there is nothing to select from
        start[number + 1] = start[number] + (size[number] if least[number] < most[number] else 0)
    candidates = _collect(values, lowest, highest, slot_of_bin, start)
    results = np.empty(len(ranks))
    for number in range(len(ranks)):
        first, end = start[slot[number]], start[slot[number] + 1]
        results[number] = least[slot[number]]
        if first < end:
            rank = within[number]
            results[number] = np.partition(candidates[first:end], rank)[rank]
    return results


@compiled
def _bin(value: float, lowest: float, highest: float, bins: int) -> int:
    # The half keeps whole numbers apart from the next one below, whatever the division rounds to.
    return int((value - lowest) / (highest - lowest) * (bins - 0.5))


@compiled
def _mark(
    counts: Integers,
    ranks: Integers,
    slot_of_bin: NDArray[np.int8],
    slot: Integers,
    within: Integers,
    size: Integers,
) -> int:
    """Number the bins that hold a rank, and return how many do.

    Filled in are the number of each such bin, that of each rank's bin, the rank within it, and how
    many values each numbered bin holds.
    """
    at_bin = below = used = 0
    for number in range(len(ranks)):
        if ranks[number] < below:
            at_bin = below = 0
        while below + counts[at_bin] <= ranks[number]:
            below += counts[at_bin]
            at_bin += 1
        if slot_of_bin[at_bin] < 0:
            slot_of_bin[at_bin] = used
            size[used] = counts[at_bin]
            used += 1
        slot[number], within[number] = slot_of_bin[at_bin], ranks[number] - below
    return used


@compiled
def _extremes(
    values: Floats, lowest: float, highest: float, slot_of_bin: NDArray[np.int8], slots: int
) -> tuple[Floats, Floats]:
    least, most = np.full(slots, highest), np.full(slots, lowest)
    for value in values:
        slot = slot_of_bin[_bin(value, lowest, highest, len(slot_of_bin))]
        if slot >= 0:
            least[slot] = min(least[slot], value)
            most[slot] = max(most[slot], value)
    return least, most


@compiled
def _collect(
    values: Floats, lowest: float, highest: float, slot_of_bin: NDArray[np.int8], start: Integers
) -> Floats:
    candidates = np.empty(start[-1])
    free = start.copy()
    if len(candidates) > 0:
        for value in values:
            slot = slot_of_bin[_bin(value, lowest, highest, len(slot_of_bin))]
            if slot >= 0 and start[slot + 1] > start[slot]:
                candidates[free[slot]] = value
                free[slot] += 1
    return candidates
