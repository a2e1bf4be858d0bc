"""Filter `mean`: the mean of the voxels around (IBSI S60F)."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic.dataclasses import dataclass

from skiagram.arrays import Floats
from skiagram.features.filters.filter import Filter, box_mean
from skiagram.strict import STRICT


def _check_odd(support: int) -> int:
    if support % 2 == 0:
        raise ValueError("an odd number")
    return support


@dataclass(**STRICT)
class Mean(Filter):
    """Mean of a square or a cube of voxels (IBSI S60F).

    Attributes:
        support: Its side, in voxels, odd (IBSI YNOF).
    """

    support: Annotated[int, Field(ge=1, le=255), AfterValidator(_check_odd)]

    def _length(self, spacing: float) -> float:
        return self.support // 2

    def respond(self, image: Floats, spacing: Sequence[float]) -> Floats:
        return box_mean(image, self.support, self.axes, self.boundary)
