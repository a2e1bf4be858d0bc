"""Feature family `texture`: how neighbouring intensities go together."""

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field
from pydantic.dataclasses import dataclass

from skiagram.features.batch import Batch
from skiagram.features.binary_patterns import pattern_levels, pattern_names, pattern_shares
from skiagram.features.cooccurrence import Cooccurrence, cooccurrence, offsets
from skiagram.features.definition import Definition
from skiagram.features.discretisation import Discretisation
from skiagram.options import STRICT


def _distinct(values: tuple[int, ...]) -> tuple[int, ...]:
    if len(set(values)) != len(values):
        raise ValueError("each value once")
    return values


Pixels = Annotated[int, Field(ge=1, le=64)]
Several = Annotated[tuple[Pixels, ...], Field(min_length=1), AfterValidator(_distinct)]


@dataclass(**STRICT)
class Texture:
    """Grey level co-occurrence and local binary patterns.

    Attributes:
        levels: How intensities become the grey levels of the co-occurrence matrices.
        distances: Chebyshev distances of the pairs, in pixels; each gives its own features,
            averaged over the four directions (IBSI BTW3).
        radii: Radii of the local binary patterns, in pixels.
    """

    levels: Discretisation
    distances: Several
    radii: Several

    def names(self) -> tuple[str, ...]:
        """Return the feature names in column order."""
        matrices = [Cooccurrence.names(f"texture_glcm_distance_{at}") for at in self.distances]
        patterns = [pattern_names(f"texture_lbp_radius_{at}") for at in self.radii]
        return tuple(name for part in (*matrices, *patterns) for name in part)

    def definitions(self) -> tuple[Definition, ...]:
        """Return what the features mean."""
        name, share = "texture_lbp_radius_<radius>_", ("", "1", "[0, 1]")
        return (
            *Cooccurrence.definitions("texture_glcm_distance_<distance>"),
            Definition(f"{name}uniform_<bright>", "Share of one pattern.", *share),
            Definition(f"{name}not_uniform", "Share of all other patterns.", *share),
        )

    def extract(self, batch: Batch) -> NDArray[np.float64]:
        """Compute the features of a batch of equally sized images of any size from 1×1.

        Args:
            batch: Images of one channel, or of three reduced to luminance.

        Returns:
            (n, n_features) float64, finite.

        Raises:
            DataError: The images have neither one channel nor three, or too many grey levels.
        """
        grey = batch.luminance("texture")
        levels = self.levels.levels(grey)
        matrices = [_glcm(levels, distance) for distance in self.distances]
        fine = pattern_levels(grey)
        patterns = [pattern_shares(fine, radius) for radius in self.radii]
        return np.hstack([*matrices, *patterns])


def _glcm(levels: NDArray[np.int64], distance: int) -> NDArray[np.float64]:
    n_levels = int(levels.max()) + 1
    height, width = levels.shape[1:]
    directions = [
        Cooccurrence(cooccurrence(levels, offset, n_levels)).columns()
        for offset in offsets(distance, (height, width))
    ]
    return np.mean(directions, axis=0)
