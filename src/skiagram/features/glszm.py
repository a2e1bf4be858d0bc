"""Feature family `glszm`: how large the areas of one grey level are (IBSI, section 3.8, 9SAK).

Zones are counted sparsely. Zones of distinct (size, level) fill an image soonest when every level
has the sizes 1, 2, …, so P pixels of L levels hold at most √(2PL) + L distinct ones: no matrix of
sizes by levels is made.
"""

from typing import ClassVar

import numpy as np
from pydantic.dataclasses import dataclass

from skiagram.arrays import Floats, Whole
from skiagram.compiled.loops import compiled
from skiagram.features.discretisation import GreyLevels
from skiagram.features.family import TextureFamily
from skiagram.features.level_counts import describe_entries
from skiagram.features.neighbours import Forest, Levels
from skiagram.strict import STRICT


@compiled
def size_zones(levels: Levels, forest: Forest, number: int) -> Whole:
    """Count the zones of each size and level.

    Args:
        levels: (n, depth, height, width), 0 outside the region.
        forest: Their zones.
        number: Levels.

    Returns:
        (m, 4): image, size, level and how many, in the order of image, size and level.
    """
    n, pixels = forest.shape
    # Small zones are tallied by size and level, large ones listed.
    small = int(np.sqrt(pixels))  # zones up to this size are tallied; the larger ones are few
    tally = np.zeros((small + 1, number + 1), dtype=np.int64)
    large = np.empty(pixels // (small + 1) + 1, dtype=np.int64)
    # No more distinct entries than zones can fill.
    distinct = min(pixels, int(np.sqrt(2.0 * pixels * number)) + number + 1)
    entries = np.empty((n * distinct, 4), dtype=np.int64)
    used = 0
    # Entries of each image, by size, then by level.
    for image in range(n):
        n_large = _tally(levels[image].reshape(-1), forest[image], tally, large)
        for size in range(1, small + 1):
            for level in range(1, number + 1):
                if tally[size, level] > 0:
                    _enter(entries[used], image, size, level, tally[size, level])
                    tally[size, level] = 0
                    used += 1
        # Large zones, of which equal ones become one entry.
        large[:n_large].sort()
        for position in range(n_large):
            if position > 0 and large[position] == large[position - 1]:
                entries[used - 1, 3] += 1
            else:
                size, level = large[position] // (number + 1), large[position] % (number + 1)
                _enter(entries[used], image, size, level, 1)
                used += 1
    return entries[:used]


@compiled
def _tally(levels: Levels, forest: Forest, tally: Whole, large: Whole) -> int:
    """Count small zones in `tally`, list large ones as one number each; return how many.

    What is no root is counted as of size 0, so that no branch is taken that a processor would have
    to guess.
    """
    # A root holds minus the size of its zone; others hold none.
    small, step = tally.shape[0] - 1, tally.shape[1]
    cells = tally.reshape(-1)
    n_large = 0
    for place in range(len(levels)):
        if levels[place] == 0:
            continue
        # The size of a root's zone; 0 of any other pixel.
        size = -np.int64(forest[place])
        size &= ~(size >> 63)
        if size > small:
            large[n_large] = size * step + levels[place]
            n_large += 1
        else:
            cells[np.uintp(size * step + levels[place])] += 1
    return n_large


@compiled
def _enter(entry: Whole, image: int, size: int, level: int, count: int) -> None:
    """Write an entry: image, size, level and how many."""
    entry[0], entry[1], entry[2], entry[3] = image, size, level, count


@dataclass(**STRICT)
class Glszm(TextureFamily):
    """Grey level size zone matrix (IBSI 9SAK)."""

    prefix: ClassVar[str] = "glszm"

    def describe(self, grey: GreyLevels) -> Floats:
        n = len(grey.levels)
        zones = size_zones(grey.levels, self.parts(grey).zones.reshape(n, -1), grey.number)
        return describe_entries(zones, np.zeros(n))[:, :-1]  # no energy
