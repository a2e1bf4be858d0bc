"""What a combination sees of a case: the scores of its members, which never saw the case."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class MemberScores:
    """Raw scores of some cases by every member.

    Attributes:
        scores: (n, members, n_classes) float64.
        fit: (n,) int64, which of the members' fits scored the case; only cases of one fit share a
            scale.
    """

    scores: NDArray[np.float64]
    fit: NDArray[np.int64]

    def __len__(self) -> int:
        """Return the number of cases."""
        return len(self.fit)

    def select(self, rows: NDArray[np.int64]) -> "MemberScores":
        """Return the given rows, in the given order."""
        return MemberScores(self.scores[rows], self.fit[rows])

    @classmethod
    def of_one_fit(cls, scores: NDArray[np.float64]) -> "MemberScores":
        """Take (n, members, n_classes) scores that one fit of each member gave."""
        return cls(scores, np.zeros(len(scores), dtype=np.int64))
