"""Feature family `glrlm`: how far grey levels run without change (IBSI, section 3.7, TP0I)."""

from typing import ClassVar

import numpy as np
from pydantic.dataclasses import dataclass

from skiagram.arrays import Floats, Whole
from skiagram.compiled.loops import compiled
from skiagram.features.discretisation import GreyLevels
from skiagram.features.family import TextureFamily
from skiagram.features.glcm import Aggregation, average
from skiagram.features.level_counts import describe_matrices
from skiagram.features.neighbours import PLANE_WAYS, Levels, steps
from skiagram.strict import STRICT


@compiled
def count_runs(framed: Levels, apart: Whole, counts: Whole) -> None:
    """Count the runs of each length and level of images in several directions.

    Args:
        framed: (n, cells) of images in a frame of zeros, at which every run ends.
        apart: (ways,) steps to the neighbours.
        counts: (n, ways, longest, number), or (n, 1, …) for all directions together, is added to;
            length and level from 1.
    """
    for image in range(len(framed)):
        cells = framed[image]
        for way in range(len(apart)):
            step, matrix = apart[way], counts[image, way % counts.shape[1]]
            for place in range(len(cells)):
                level = cells[place]
                # A run begins where the pixel before has another level.
                if level == 0 or cells[place - step] == level:
                    continue
                length, after = 1, place + step
                while cells[after] == level:
                    length += 1
                    after += step
                matrix[length - 1, level - 1] += 1


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
        # A matrix for each direction, or one for all.
        ways, merged = self.ways(grey), self.aggregation == "merged"
        longest = max(grey.levels.shape[1 if ways > PLANE_WAYS else 2 :])
        shape = (len(grey.levels), 1 if merged else ways, longest, grey.number)
        counts, framed = np.zeros(shape, dtype=np.int64), grey.framed
        count_runs(framed.reshape(len(framed), -1), steps(framed.shape)[:ways], counts)
        counts = counts.reshape(-1, longest, grey.number)
        features = describe_matrices(counts, np.zeros(len(counts)))[:, :-1]  # no energy
        counted = np.ones((len(grey.levels), ways), np.bool_)
        return features if merged else average(features, counted)
