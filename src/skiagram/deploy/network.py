"""The deep arm of deployment: restored images, scored by every repeat's network on the CPU."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skiagram.deploy.inputs import PreparedImages, covariate_features
from skiagram.deploy.scorers import WHOLE, Scorer, own, record
from skiagram.errors import DataError
from skiagram.features.table import FeatureTable
from skiagram.models.contract import FittedFinder
from skiagram.models.deep.finder import load_finder
from skiagram.models.deep.fitted import ARCHITECTURE, Architecture, FittedNetwork, load_network
from skiagram.models.deep.inputs import stored_images
from skiagram.models.deployment import Familiarity
from skiagram.models.fits import finite
from skiagram.models.reading import image_traits
from skiagram.preparation import Preparation
from skiagram.training.data import ImageSet


@dataclass(frozen=True, kw_only=True)
class Networks(Scorer):
    """Trained networks of all repeats."""

    fitted: Sequence[FittedNetwork]

    def _space(self, prepared: PreparedImages) -> FeatureTable:
        """Return plain traits of the images."""
        store, _ = stored_images(self.fitted[0].given, prepared.images.folder)
        return image_traits([store])

    def scores(self, prepared: PreparedImages) -> list[NDArray[np.float64]]:
        """Score all images in order: (n, n_classes) logits per repeat."""
        case_id = np.array(prepared.images.case_ids)
        names = tuple(feature.name for feature in self.covariates)
        table = FeatureTable(case_id, names, prepared.covariates)
        scores_by_repeat = []
        for network in self.fitted:
            store, modalities = stored_images(network.given, prepared.images.folder)
            images = ImageSet(store, case_id, table, modalities)
            scores_by_repeat.append(finite(network.scores(images)))
        return scores_by_repeat


def load_networks(
    repeats: Sequence[Path], preparation: Preparation, familiarity: Familiarity | None = None
) -> Networks:
    """Load the networks of all repeats from their folders."""
    _check_options(repeats)
    first = record(Architecture, repeats[0] / ARCHITECTURE)
    training = first.options().training
    height, width = first.shape[-2:]
    resized = (training.image_size, training.input.box, training.input.three_planes)
    fitted = [load_network(repeat) for repeat in repeats]
    read = [
        name for network in fitted if network.encoder is not None for name in network.encoder.names
    ]
    beside = covariate_features(read, preparation.covariates)
    if not {feature.name for feature in beside}.issuperset(read):
        found = "reads covariates that its preparation does not know"
        raise DataError(found, where=str(repeats[0]), remedy=WHOLE)
    return Networks(
        covariates=beside,
        familiarity=familiarity,
        batch=training.batch_size,
        shape=None if any(resized) else (height, width),
        in_threads=False,
        fitted=fitted,
    )


def load_finding_networks(repeats: Sequence[Path]) -> tuple[list[FittedFinder], bool]:
    """Load networks that say where; return whether they look at proposed places, too."""
    _check_options(repeats)
    fitted = [load_finder(repeat) for repeat in repeats]
    return [*fitted], fitted[0].options.finds_in == "candidates"


def _check_options(repeats: Sequence[Path]) -> None:
    """Refuse networks that are not the program's own, before anything is built."""
    for path in (repeat / ARCHITECTURE for repeat in repeats):
        own(record(Architecture, path).network, "skiagram.models.deep", "build", path)
