"""Feature family `lbp`: shares of the local binary patterns at several radii."""

from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass

from skiagram.arrays import Flags, Floats, Whole
from skiagram.compiled.loops import compiled
from skiagram.features.batch import FeatureBatch
from skiagram.features.discretisation import Discretisation
from skiagram.features.family import Ascending, DefinedFamily
from skiagram.strict import STRICT


@compiled
def pattern_counts(
    padded: NDArray[np.uint16],
    inside: Flags,
    corners: Whole,
    weights: Floats,
    margin: int,
) -> Whole:
    """Count the patterns of each image.

    Differences are interpolated, not levels, so that none arises by rounding where an image is
    flat. A pattern with at most two changes along the circle is uniform; whether the step from
    its last neighbour to its first is counted makes no difference, as changes of a closed circle
    are even in number.

    Args:
        padded: (n, height + 2 margin, width + 2 margin) grey levels.
        inside: (n, height, width), true where a pixel's pattern counts; (1, 1, 1) for everywhere.
        corners: (neighbours, 2) row and column, from the pixel, of the pixel up and left of each
            neighbour.
        weights: (neighbours, 4) bilinear weights of that pixel, the one to its right, the one
            below and the one below right; a neighbour on a pixel has weight 1 for the first.
        margin: Rows and columns of the padding, more than the largest offset.

    Returns:
        (n, neighbours + 2): uniform patterns by their bright neighbours, then all others.
    """
    n, neighbours = len(padded), len(corners)
    height, width = padded.shape[1] - 2 * margin, padded.shape[2] - 2 * margin
    counts = np.zeros((n, neighbours + 2), dtype=np.int64)
    bright = np.empty(width, dtype=np.uint8)
    changes = np.empty(width, dtype=np.uint8)
    last = np.empty(width, dtype=np.uint8)
    everywhere = inside.size == 1
    # Row by row, one neighbour after the other.
    for image in range(n):
        for y in range(height):
            centre = padded[image, margin + y, margin : margin + width]
            bright[:] = 0
            changes[:] = 0
            # Whether the place between four pixels is at least as bright as the centre.
            for neighbour in range(neighbours):
                row, left = margin + y + corners[neighbour, 0], margin + corners[neighbour, 1]
                above = padded[image, row, left : left + width + 1]
                below = padded[image, row + 1, left : left + width + 1]
                w0, w1, w2, w3 = weights[neighbour]
                for x in range(width):
                    c = np.int32(centre[x])
                    difference = w0 * (np.int32(above[x]) - c) + w1 * (np.int32(above[x + 1]) - c)
                    difference += w2 * (np.int32(below[x]) - c) + w3 * (np.int32(below[x + 1]) - c)
                    bit = np.uint8(difference >= 0)
                    bright[x] += bit
                    changes[x] += np.uint8(neighbour > 0) & (bit ^ last[x])
                    last[x] = bit
            # Patterns that change at most twice count by their bright neighbours, others together.
            for x in range(width):
                if everywhere or inside[image, y, x]:
                    counts[image, bright[x] if changes[x] <= 2 else neighbours + 1] += 1
    return counts


Radius = Annotated[int, Field(ge=1, le=64)]
Radii = Annotated[tuple[Radius, ...], Field(min_length=1), Ascending]


@dataclass(**STRICT)
class LocalBinaryPatterns(DefinedFamily):
    """Rotation-invariant uniform patterns: which neighbours on a circle are as bright as a pixel.

    Ojala, Pietikäinen and Mäenpää, IEEE Trans. PAMI 24(7), 2002, equation 9. A neighbour is
    bright if its grey level is at least that of the pixel; one that lies between pixels is
    interpolated. Beyond its border an image goes on as its mirror image.

    Attributes:
        levels: How intensities become the grey levels that are compared, over the range of the
            whole image; differences below a level are not seen.
        radii: Radii of the circles, in pixels.
        neighbours: Neighbours on each circle, evenly spread.
    """

    levels: Discretisation
    radii: Radii
    neighbours: Annotated[int, Field(ge=4, le=32)]

    prefix: ClassVar[str] = "lbp"

    def names(self) -> tuple[str, ...]:
        """List the feature names in column order: uniform patterns by bright neighbours."""
        uniform = tuple(f"uniform_{bright}" for bright in range(self.neighbours + 1))
        patterns = (*uniform, "not_uniform")
        return tuple(f"lbp_radius_{radius}_{name}" for radius in self.radii for name in patterns)

    def reach(self, spacing: Floats) -> Floats:
        return np.full_like(spacing, self.radii[-1])

    def extract(self, batch: FeatureBatch) -> Floats:
        """Compute the shares of the patterns in the region.

        Returns:
            (n, n_features) in [0, 1]; of one radius they sum to 1.
        """
        # Neighbours are compared in grey levels.
        batch.check_planes("lbp")
        levels = self.levels.grey_levels(batch.grey("lbp")).levels[:, 0]
        inside = np.ones((1, 1, 1), np.bool_) if batch.masks is None else batch.masks
        angle = 2 * np.pi * np.arange(self.neighbours) / self.neighbours
        shares = []
        for radius in self.radii:
            # Where the neighbours lie, the first to the right, then upwards: to 1e-5 pixels, so
            # that a difference that would be 0 for the exact place is far from 0 beside the
            # rounding errors of its sum.
            place = np.round(radius * np.stack([-np.sin(angle), np.cos(angle)], axis=1), 5)
            corner = np.floor(place)
            down, right = (place - corner).T
            weights = [
                (1 - down) * (1 - right),
                (1 - down) * right,
                down * (1 - right),
                down * right,
            ]
            margin = radius + 1
            padded = np.pad(levels, ((0, 0), (margin, margin), (margin, margin)), mode="symmetric")
            corners = corner.astype(np.int64)
            counts = pattern_counts(padded, inside, corners, np.stack(weights, axis=1), margin)
            shares.append(counts / counts.sum(axis=1, keepdims=True))
        return np.hstack(shares)
