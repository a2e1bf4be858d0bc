"""What the fitted models of every arm offer to deployment."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from skiagram.deploy.covariates import CovariateFeature
from skiagram.deploy.films import Films


class Scorer(Protocol):
    """The fitted models of all repeats, of one arm."""

    @property
    def batch(self) -> int:
        """How many films are scored at once."""

    @property
    def shape(self) -> tuple[int, int] | None:
        """(height, width) that films must have; None for any."""

    @property
    def covariates(self) -> tuple[CovariateFeature, ...]:
        """What is read besides the films."""

    def scores(self, films: Films) -> list[NDArray[np.float64]]:
        """Score all films in order: (n, n_classes) a repeat."""
