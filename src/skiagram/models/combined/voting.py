"""Voting: every member counts the same (Kittler et al. 1998, IEEE Trans. PAMI 20(3))."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from skiagram.models.combined.combination import Combination, Mean
from skiagram.options import STRICT


@dataclass(**STRICT)
class Voting(Combination):
    """The mean of the members, nothing weighed.

    Attributes:
        mean: `probability` (sum rule) or `log_odds` (product rule): there one sure member
            outvotes several unsure ones.
    """

    kind: ClassVar[str] = "Mean"

    mean: Mean

    @property
    def averaged(self) -> Mean:
        """Return what the mean is taken of."""
        return self.mean

    def weights(
        self,
        log_probability: NDArray[np.float64],
        label: NDArray[np.int64],
    ) -> NDArray[np.float64]:
        """Return equal weights that sum to 1."""
        members = log_probability.shape[1]
        return np.full(members, 1 / members)
