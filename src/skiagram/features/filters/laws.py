"""Filter `laws`: levels, edges, spots, waves and ripples (IBSI JTXT)."""

from collections.abc import Sequence
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from skiagram.arrays import Floats
from skiagram.features.filters.filter import Filter, Pooling, box_mean
from skiagram.strict import STRICT

_WEIGHTS = {
    "L5": (1, 4, 6, 4, 1),
    "E5": (-1, -2, 0, 2, 1),
    "S5": (-1, 0, 2, 0, -1),
    "W5": (-1, 2, 0, -2, 1),
    "R5": (1, -4, 6, -4, 1),
    "L3": (1, 2, 1),
    "E3": (-1, 0, 1),
    "S3": (-1, 2, -1),
}
KERNELS = {name: np.array(weights) / np.linalg.norm(weights) for name, weights in _WEIGHTS.items()}
Kernel = Literal["L5", "E5", "S5", "W5", "R5", "L3", "E3", "S3"]


@dataclass(**STRICT)
class Laws(Filter):
    """Product of Laws' kernels along the axes (IBSI JTXT).

    Attributes:
        kernels: Along x, y and, in 3D, z; a letter for level, edge, spot, wave or ripple, and the
            length.
        pooling: Of the responses to the kernel turned by all right angles; null for the kernel as
            it is.
        energy: Voxels on each side over which the absolute response is averaged (IBSI PQSD); null
            for the response itself.
    """

    kernels: tuple[Kernel, ...]
    pooling: Pooling | None
    energy: Annotated[int, Field(ge=1, le=100)] | None

    @model_validator(mode="after")
    def _a_kernel_an_axis(self) -> Self:
        if len(self.kernels) != len(self.axes):
            raise ValueError(f"{len(self.axes)} kernels in {self.dimension}, one an axis")
        return self

    def _length(self, spacing: float) -> float:
        return 2 + (self.energy or 0)

    def respond(self, image: Floats, spacing: Sequence[float]) -> Floats:
        """Compute the response, or its energy: the mean magnitude around each voxel."""
        response = self._convolve(image, [(KERNELS[name],) for name in self.kernels], self.pooling)
        if self.energy is None:
            return response
        return box_mean(np.abs(response), 2 * self.energy + 1, self.axes, self.boundary)
