"""Combinations in deployment: every member scores the films, their scores are put together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skiagram.deploy.covariates import CovariateFeature
from skiagram.deploy.films import Films
from skiagram.deploy.folder import WHOLE, record
from skiagram.deploy.scorer import Scorer
from skiagram.errors import DataError
from skiagram.models.combined.combination import COMBINATION, FittedCombination
from skiagram.models.combined.member_scores import MemberScores
from skiagram.models.resampling import finite


@dataclass(frozen=True)
class Combined:
    """Members, and how each repeat weighs them.

    Attributes:
        members: Fitted models of all repeats, one scorer a member.
        fitted: One combination a repeat.
    """

    members: Sequence[Scorer]
    fitted: Sequence[FittedCombination]

    @property
    def batch(self) -> int:
        """Return the smallest batch of a member."""
        return min(one.batch for one in self.members)

    @property
    def shape(self) -> tuple[int, int] | None:
        """Return the shape that a member insists on; None for any."""
        return next((one.shape for one in self.members if one.shape), None)

    @property
    def covariates(self) -> tuple[CovariateFeature, ...]:
        """Return what the members read besides the films, member after member."""
        return tuple(feature for one in self.members for feature in one.covariates)

    def scores(self, films: Films) -> list[NDArray[np.float64]]:
        """Score all films in order: (n, n_classes) a repeat."""
        ends = np.cumsum([0, *(len(one.covariates) for one in self.members)]).tolist()
        found = [
            member.scores(Films(films.images, films.covariates[:, start:end]))
            for member, (start, end) in zip(self.members, pairwise(ends), strict=True)
        ]
        return [
            finite(one.scores(MemberScores.of_one_fit(np.stack(scores, axis=1))))
            for one, *scores in zip(self.fitted, *found, strict=True)
        ]


def load_combination(
    repeats: Sequence[Path], members: Sequence[Path], load: Callable[[Path], Scorer]
) -> Combined:
    """Load a combination and its members.

    Args:
        repeats: Folder of each repeat's combination.
        members: Folder of each member, in order.
        load: Loads one member.

    Raises:
        DataError: A file is missing or damaged, or the members are not those of the combination.
    """
    fitted = [record(FittedCombination, repeat / COMBINATION) for repeat in repeats]
    if any(len(one.weights) != len(members) for one in fitted):
        raise DataError("weighs other members", where=str(repeats[0]), remedy=WHOLE)
    return Combined([load(member) for member in members], fitted)
