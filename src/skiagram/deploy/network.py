"""The deep arm of deployment: restored films, scored by every repeat's network on the CPU."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skiagram.deploy.covariates import CovariateFeature
from skiagram.deploy.films import Films
from skiagram.deploy.folder import own, record
from skiagram.models.deep.fitted import ARCHITECTURE, Architecture, FittedNetwork, load
from skiagram.models.resampling import finite
from skiagram.training.images import ImageSet


@dataclass(frozen=True)
class Networks:
    """Trained networks of all repeats.

    Attributes:
        fitted: One network a repeat.
        batch: Films scored at once, as in training.
        shape: (height, width) of the films; None where the network resizes them.
    """

    fitted: Sequence[FittedNetwork]
    batch: int
    shape: tuple[int, int] | None
    covariates: tuple[CovariateFeature, ...] = ()

    def scores(self, films: Films) -> list[NDArray[np.float64]]:
        """Score all films in order: (n, n_classes) logits a repeat."""
        images = ImageSet(films.images, np.array(films.images.case_ids))
        return [finite(network.scores(images)) for network in self.fitted]


def load_networks(repeats: Sequence[Path]) -> Networks:
    """Load the networks of all repeats.

    Raises:
        DataError: A file is missing or damaged, or names a class that is not the program's own.
    """
    first, *_ = [_architecture(repeat / ARCHITECTURE) for repeat in repeats]
    training = first.options().training
    shape = None if training.image_size else first.shape[1:]
    return Networks([load(repeat) for repeat in repeats], training.batch_size, shape)


def _architecture(path: Path) -> Architecture:
    """Read what a network is built from, before anything is built."""
    architecture = record(Architecture, path)
    own(architecture.network, "skiagram.models.deep", "build", path)
    return architecture
