"""Feature family `glcm`: which grey levels stand next to which."""

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field
from pydantic.dataclasses import dataclass

from skiagram.features.batch import Batch, Region
from skiagram.features.definition import Definition
from skiagram.features.directions import Aggregation, average, directions
from skiagram.features.discretisation import Discretisation, GreyLevels
from skiagram.features.kernels.cooccurrence import cooccurrences
from skiagram.features.statistics.glcm_distributions import GlcmDistributions
from skiagram.features.statistics.glcm_relations import GlcmRelations
from skiagram.options import STRICT


def _distinct(values: tuple[int, ...]) -> tuple[int, ...]:
    if len(set(values)) != len(values):
        raise ValueError("each value once")
    return values


Pixels = Annotated[int, Field(ge=1, le=64)]
Several = Annotated[tuple[Pixels, ...], Field(min_length=1), AfterValidator(_distinct)]


@dataclass(**STRICT)
class Glcm:
    """Grey level co-occurrence matrices (IBSI LFYI).

    Attributes:
        levels: How intensities become grey levels.
        region: `whole` or `bright`, as in `Batch.region`.
        distances: Chebyshev distances of the pairs, in pixels; each gives its own features.
        aggregation: `averaged` computes features of each direction and takes their mean (IBSI
            BTW3), without the directions that have no pair; `merged` adds up the matrices of all
            directions first (IBSI SUJT).
    """

    levels: Discretisation
    region: Region
    distances: Several
    aggregation: Aggregation

    def names(self) -> tuple[str, ...]:
        """Return the feature names in column order."""
        if len(self.distances) == 1:
            return _names("glcm")
        parts = [_names(f"glcm_distance_{pixels}") for pixels in self.distances]
        return tuple(name for part in parts for name in part)

    def definitions(self) -> tuple[Definition, ...]:
        """Return what the features mean, in column order."""
        prefix = "glcm" if len(self.distances) == 1 else "glcm_distance_<pixels>"
        return GlcmDistributions.definitions(prefix) + GlcmRelations.definitions(prefix)

    def extract(self, batch: Batch) -> NDArray[np.float64]:
        """Compute the features of a batch of equally sized images of any size from 1×1.

        Args:
            batch: Images of one channel, or of three reduced to luminance.

        Returns:
            (n, n_features) float64, finite.

        Raises:
            DataError: The images have neither one channel nor three, or too many grey levels.
        """
        levels = batch.levels(self.levels, self.region, "glcm")
        return np.hstack([glcm(levels, pixels, self.aggregation) for pixels in self.distances])


def _names(prefix: str) -> tuple[str, ...]:
    return GlcmDistributions.names(prefix) + GlcmRelations.names(prefix)


def glcm(levels: GreyLevels, distance: int, aggregation: Aggregation) -> NDArray[np.float64]:
    """Compute the features at one distance: in a plane 4 directions, in a volume 13.

    Args:
        levels: Of n images.
        distance: Chebyshev distance of the pairs, in pixels.
        aggregation: Of the directions, as in `Glcm`.

    Returns:
        (n, n_features).
    """
    offsets = distance * directions(levels.levels.shape[1])
    found = cooccurrences(levels.levels, levels.number, offsets, aggregation == "merged")
    pairs = found.pairs.reshape(len(levels.levels), -1)
    distributions = GlcmDistributions(found)
    relations = GlcmRelations(distributions)
    return average(np.hstack([distributions.columns(), relations.columns()]), pairs > 0)
