"""Feature family `glszm`: how large the areas of one grey level are (IBSI, section 3.8, 9SAK)."""

from typing import ClassVar

import numpy as np
from pydantic.dataclasses import dataclass

from skiagram.arrays import Floats
from skiagram.features.discretisation import GreyLevels
from skiagram.features.family import TextureFamily
from skiagram.features.level_counts import describe_entries, tally_entries
from skiagram.strict import STRICT


@dataclass(**STRICT)
class Glszm(TextureFamily):
    """Grey level size zone matrix (IBSI 9SAK)."""

    prefix: ClassVar[str] = "glszm"

    def describe(self, grey: GreyLevels) -> Floats:
        # A root holds minus the size of its zone.
        n, apart = len(grey.levels), self.parts(grey)
        zones = apart.zones
        entries = tally_entries(apart.framed, zones, zones, n)
        return describe_entries(entries, np.zeros(n))[:, :-1]  # no energy
