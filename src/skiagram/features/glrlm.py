"""Feature family `glrlm`: how far grey levels run without change (IBSI, section 3.7, TP0I)."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from skiagram.arrays import Floats, Whole
from skiagram.compiled.loops import compiled
from skiagram.features.discretisation import GreyLevels
from skiagram.features.family import TextureFamily
from skiagram.features.glcm import Aggregation, average
from skiagram.features.level_counts import describe_matrices
from skiagram.features.neighbours import (
    BLOCK,
    PLANE_WAYS,
    WAY_OF_BIT,
    Equals,
    Levels,
    margin_length,
    steps,
)
from skiagram.strict import STRICT


@compiled
def run_lengths(levels: Levels, equals: Equals, number: int, ways: int, merged: bool) -> Whole:
    """Count the runs of each length and level in several directions.

    Args:
        levels: (n, depth, height, width), 0 outside the region.
        equals: Marks of their equal neighbours.
        number: Levels.
        ways: How many of the `DIRECTIONS`: 4 or 13.
        merged: Whether the matrices of an image are added up into one.

    Returns:
        (m, longest, number) the matrices of each image one after the other: m is n if merged, else
        n · ways; length and level from 1.
    """
    # A matrix for each direction, or one for all.
    n, depth, height, width = levels.shape
    matrices = 1 if merged else ways
    apart = steps((depth, height, width))[:ways]
    longest = max(height, width) if ways == PLANE_WAYS else max(depth, height, width)
    counts = np.zeros((n * matrices, longest, number), dtype=np.int64)
    margin = margin_length((depth, height, width))
    # Runs of each image, from marks of equal neighbours.
    for image in range(n):
        flat = levels[image].reshape(-1)
        image_counts = counts[image * matrices : (image + 1) * matrices]
        _count(flat, equals[image], margin, apart, image_counts)
    return counts


@compiled
def _count(levels: Levels, equals: Equals, margin: int, apart: Whole, counts: Whole) -> None:
    """Count the runs of one image.

    Equal neighbours are added up in all directions at a time; only runs longer than two pixels are
    followed. The neighbours left over are runs of two, the pixels left over runs of their own.
    """
    # Counts of neighbours wait in lanes of eight bits each.
    number = counts.shape[2]
    neighbours = np.zeros((number + 1, 2 * _LANES), dtype=np.int64)
    lanes = np.zeros((number + 1, 2), dtype=np.uint64)
    longer, followed = np.empty(BLOCK, dtype=np.uint16), np.empty(BLOCK, dtype=np.int64)
    # In blocks that stay in a processor's cache.
    for begin in range(0, len(levels), BLOCK):
        count = min(BLOCK, len(levels) - begin)
        first = margin + begin
        centre, long = equals[first : first + count], longer[:count]
        long[:] = 0
        for way in range(len(apart)):
            before, after = first - apart[way], first + apart[way]
            _mark_longer(
                centre,
                equals[before : before + count],
                equals[after : after + count],
                np.uint16(1 << way),
                long,
            )
        # Pixels with neighbours are counted, those amid longer runs are noted.
        n_followed = 0
        for x in range(count):
            level = levels[begin + x]
            if level == 0:
                continue
            equal, seven = centre[x], lanes[level, 0]
            seven += _SPREAD[equal & _LOW] + _ONE_PIXEL
            lanes[level, 0] = seven
            lanes[level, 1] += _SPREAD[equal >> _WAYS]
            if seven >= _FULL:
                _empty(lanes[level], neighbours[level])
            followed[n_followed] = x
            n_followed += long[x] > 0  # a branch would be guessed, and often wrongly
        # Longer runs are followed from their second pixel.
        for x in followed[:n_followed]:
            level = levels[begin + x]
            _follow(equals, first + x, long[x], apart, counts, level - 1)
    # What is left in the lanes.
    for level in range(1, number + 1):
        _empty(lanes[level], neighbours[level])
    _complete(neighbours, len(apart), counts)


@compiled
def _mark_longer(
    centre: Equals, before: Equals, after: Equals, bit: np.uint16, longer: Equals
) -> None:
    """Mark a direction at the second pixel of each run of at least three."""
    for x in range(len(centre)):
        longer[x] |= np.uint16(centre[x] & ~before[x] & after[x] & bit)


@compiled
def _follow(
    equals: Equals, second: int, ways: int, apart: Whole, counts: Whole, level: int
) -> None:
    """Count the runs of more than two pixels that have the same second pixel."""
    # One direction after the other, by the lowest bit that is left.
    remaining_ways = np.int64(ways)
    while remaining_ways > 0:
        bit = remaining_ways & -remaining_ways
        way = np.int64(WAY_OF_BIT[np.uintp(bit)])
        length, place = 3, second + 2 * apart[way]
        while equals[np.uintp(place)] & bit:
            length += 1
            place += apart[way]
        counts[way if len(counts) > 1 else 0, length - 1, level] += 1
        remaining_ways ^= bit


@compiled
def _complete(neighbours: Whole, ways: int, counts: Whole) -> None:
    """Add the runs of two pixels and of one: a run has one neighbour fewer than pixels."""
    matrices, longest, number = counts.shape
    # Neighbours less what longer runs have of them leaves the runs of two and of one.
    for level in range(number):
        level_neighbours = neighbours[level + 1]
        for way in range(ways):
            counts[way % matrices, 0, level] += level_neighbours[_WAYS]
            if longest > 1:
                counts[way % matrices, 1, level] += level_neighbours[way + way // _WAYS]
        for matrix in range(matrices):
            for length in range(3, longest + 1):
                counts[matrix, 1, level] -= (length - 1) * counts[matrix, length - 1, level]
            for length in range(2, longest + 1):
                counts[matrix, 0, level] -= length * counts[matrix, length - 1, level]


# Counts of up to 255 beside each other in a number: of neighbours in seven directions, then, in the
# first of two such numbers, of pixels.
_LANES, _WAYS, _LOW = 8, 7, 2**7 - 1
_ONE_PIXEL, _FULL = np.uint64(1 << 56), np.uint64(255 << 56)
_SPREAD = np.array(
    [sum((bits >> way & 1) << 8 * way for way in range(_WAYS)) for bits in range(2**_WAYS)],
    dtype=np.uint64,
)


@compiled
def _empty(lanes: NDArray[np.uint64], counts: Whole) -> None:
    """Move the counts out of the lanes before one is full."""
    for half in range(2):
        for lane in range(_LANES):
            share = lanes[half] >> np.uint64(8 * lane) & np.uint64(255)
            counts[half * _LANES + lane] += np.int64(share)
        lanes[half] = 0


@dataclass(**STRICT)
class Glrlm(TextureFamily):
    """Grey level run length matrices (IBSI TP0I).

    Attributes:
        aggregation: `averaged` computes features of each direction and takes their mean (IBSI
            BTW3); `merged` adds up the matrices of all directions first (IBSI SUJT).
    """

    aggregation: Aggregation  # type: ignore[misc]  # by keyword only

    prefix: ClassVar[str] = "glrlm"

    def describe(self, grey: GreyLevels) -> Floats:
        ways, merged = self.ways(grey), self.aggregation == "merged"
        counts = run_lengths(grey.levels, grey.equals, grey.number, ways, merged)
        features = describe_matrices(counts, np.zeros(len(counts)))[:, :-1]  # no energy
        counted = np.ones((len(grey.levels), ways), np.bool_)
        return features if merged else average(features, counted)
