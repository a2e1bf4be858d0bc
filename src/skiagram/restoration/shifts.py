"""Scaled planes read row by row under a circular shift, and put back the same way."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from skiagram.compiled import compiled
from skiagram.restoration.contract import Planes

_SMALLEST = 1e-37  # float32 holds its reciprocal


@dataclass(frozen=True)
class Scale:
    """What brings each image to [-1, 1], so that its coefficients lose few digits.

    Attributes:
        centre: (n,) float32, middle of each image's range.
        spread: (n,) float32, half of it; 1 for a constant image, or one that is nearly so.
    """

    centre: NDArray[np.float32]
    spread: NDArray[np.float32]

    @classmethod
    def of(cls, planes: Planes) -> Self:
        """Return the scale of images, (n, height, width)."""
        pixels = planes.reshape(len(planes), -1)
        lowest = pixels.min(axis=1).astype(np.float64)
        highest = pixels.max(axis=1).astype(np.float64)
        spread = (highest - lowest) / 2
        spread[spread < _SMALLEST] = 1
        return cls(((lowest + highest) / 2).astype(np.float32), spread.astype(np.float32))


@dataclass(frozen=True)
class Shifted:
    """Planes as seen under one shift.

    Attributes:
        planes: (n, height, width) float32.
        scale: Their scale.
        down: Row that comes first.
        right: Column that comes first.
    """

    planes: Planes
    scale: Scale
    down: int
    right: int

    def read(self, first: int, last: int) -> Planes:
        """Return some rows, scaled: (n, last − first, width) float32."""
        scale = self.scale
        return _read(self.planes, scale.centre, scale.spread, first, last, self.down, self.right)

    def add(self, rows: Planes, first: int, total: Planes, share: float, fresh: bool) -> None:
        """Add rows to where they came from.

        Args:
            rows: (n, m, ≥ width) float32, scaled; columns beyond the width are left out.
            first: The first of the rows.
            total: (n, height, width) float32 to add to, in the planes' own units.
            share: Weight of the rows.
            fresh: The middle of each image's range is what they are added to, not the total.
        """
        gain = self.scale.spread * np.float32(share)
        _add(rows, gain, self.scale.centre, first, self.down, self.right, fresh, total)


@compiled
def _read(
    planes: Planes,
    centre: NDArray[np.float32],
    spread: NDArray[np.float32],
    first: int,
    last: int,
    down: int,
    right: int,
) -> Planes:
    count, height, width = planes.shape
    right %= width
    rows = np.empty((count, last - first, width), dtype=np.float32)
    for image in range(count):
        middle, gain = centre[image], np.float32(1) / spread[image]
        for row in range(last - first):
            source = planes[image, (first + row + down) % height]
            _scale(source[right:], middle, gain, rows[image, row])
            _scale(source[:right], middle, gain, rows[image, row, width - right :])
    return rows


@compiled
def _add(
    rows: Planes,
    gain: NDArray[np.float32],
    centre: NDArray[np.float32],
    first: int,
    down: int,
    right: int,
    fresh: bool,
    total: Planes,
) -> None:
    count, height, width = total.shape
    right %= width
    for image in range(count):
        for row in range(rows.shape[1]):
            target = total[image, (first + row + down) % height]
            if fresh:
                target[:] = centre[image]
            _add_scaled(rows[image, row], gain[image], target[right:])
            _add_scaled(rows[image, row, width - right :], gain[image], target[:right])


@compiled
def _scale(
    source: NDArray[np.float32], middle: np.float32, gain: np.float32, target: NDArray[np.float32]
) -> None:
    for at in range(len(source)):
        target[at] = (source[at] - middle) * gain


@compiled
def _add_scaled(source: NDArray[np.float32], gain: np.float32, target: NDArray[np.float32]) -> None:
    for at in range(len(target)):
        target[at] += source[at] * gain
