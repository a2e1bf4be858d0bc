"""Feature family `lbp`: shares of the local binary patterns at several radii."""

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass

from skiagram.features.ascending import Ascending
from skiagram.features.batch import Batch
from skiagram.features.definition import Definition
from skiagram.features.discretisation import Discretisation
from skiagram.features.kernels.binary_patterns import pattern_counts
from skiagram.options import STRICT

Radius = Annotated[int, Field(ge=1, le=64)]
Radii = Annotated[tuple[Radius, ...], Field(min_length=1), Ascending]
_DEFINITIONS = (
    Definition(
        "lbp_radius_<radius>_uniform_<bright>",
        "Share of the pixels with that many bright neighbours, all of them in one arc.",
        "#{x: U(x) ≤ 2, Σ_p s_p(x) = bright} / N, s_p = [g_p ≥ g_x], U = changes of s around",
        "1",
        "[0, 1]",
    ),
    Definition(
        "lbp_radius_<radius>_not_uniform",
        "Share of the pixels whose bright neighbours stand in several arcs.",
        "#{x: U(x) > 2} / N",
        "1",
        "[0, 1]",
    ),
)


@dataclass(**STRICT)
class LocalBinaryPatterns:
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

    def names(self) -> tuple[str, ...]:
        """Return the feature names in column order: uniform patterns by bright neighbours."""
        uniform = tuple(f"uniform_{bright}" for bright in range(self.neighbours + 1))
        patterns = (*uniform, "not_uniform")
        return tuple(f"lbp_radius_{at}_{name}" for at in self.radii for name in patterns)

    def definitions(self) -> tuple[Definition, ...]:
        """Return what the features mean, in column order."""
        return _DEFINITIONS

    def extract(self, batch: Batch) -> NDArray[np.float64]:
        """Compute the shares of the patterns among the pixels of the region of interest.

        Args:
            batch: Images of any size from 1×1, of one channel, or of three reduced to luminance.

        Returns:
            (n, n_features) float64 in [0, 1]; the shares of one radius sum to 1.

        Raises:
            DataError: The images have neither one channel nor three, or too many grey levels.
        """
        levels = self.levels.grey_levels(batch.planes("lbp")).levels[:, 0]
        inside = np.ones((1, 1, 1), np.bool_)
        if batch.masks is not None:
            inside = batch.masks
        return np.hstack([self._shares(levels, inside, radius) for radius in self.radii])

    def _shares(
        self, levels: NDArray[np.uint16], inside: NDArray[np.bool_], radius: int
    ) -> NDArray[np.float64]:
        margin = radius + 1
        padded = np.pad(levels, ((0, 0), (margin, margin), (margin, margin)), mode="symmetric")
        counts = pattern_counts(padded, inside, *circle(radius, self.neighbours), margin)
        return counts / counts.sum(axis=1, keepdims=True)


def circle(radius: int, neighbours: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return where the neighbours on a circle lie, the first to the right, then upwards.

    Places are rounded to 1e-5 pixels: a difference that would be 0 for the exact place is then
    far from 0 beside the rounding errors of its sum.

    Args:
        radius: In pixels.
        neighbours: Number of places.

    Returns:
        (neighbours, 2) row and column of the pixel up and left of each, and (neighbours, 4)
        bilinear weights of that pixel, the one to its right, the one below, the one below right.
    """
    angle = 2 * np.pi * np.arange(neighbours) / neighbours
    place = np.round(radius * np.stack([-np.sin(angle), np.cos(angle)], axis=1), 5)
    corner = np.floor(place)
    down, right = (place - corner).T
    weights = np.stack(
        [(1 - down) * (1 - right), (1 - down) * right, down * (1 - right), down * right], axis=1
    )
    return corner.astype(np.int64), weights
