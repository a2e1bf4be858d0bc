"""The classical arm of deployment: features of restored films, scored by every repeat's model."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skiagram.deploy.covariates import CovariateFeature, covariate_features
from skiagram.deploy.films import Films
from skiagram.deploy.folder import WHOLE, own
from skiagram.errors import DataError
from skiagram.features.covariates import Covariates
from skiagram.features.extraction import extract
from skiagram.features.learned import LearnedElsewhere
from skiagram.features.table import FeatureTable
from skiagram.models.classical.estimator import FittedClassical
from skiagram.models.deployment import DEPLOYMENT, Deployment
from skiagram.models.resampling import finite
from skiagram.preparation import LEARNED, PREPARATION, Preparation

_BATCH = 256


@dataclass(frozen=True)
class Baselines:
    """Fitted classical models of all repeats.

    Attributes:
        families: Feature families of images, in column order.
        fitted: One model a repeat.
        covariates: Features that are taken from covariates.
    """

    families: Sequence[Any]
    fitted: Sequence[FittedClassical]
    covariates: tuple[CovariateFeature, ...]
    batch: int = _BATCH
    shape: None = None

    def scores(self, films: Films) -> list[NDArray[np.float64]]:
        """Extract features and score them: (n, n_classes) a repeat.

        Raises:
            DataError: A feature is not defined for a film.
        """
        images = extract(films.images, self.families)
        names = (*images.names, *(one.name for one in self.covariates))
        values = np.hstack([images.values, films.covariates])
        table = FeatureTable(images.case_id, names, values)
        return [finite(model.scores(table)) for model in self.fitted]


def load_baselines(
    folder: Path, repeats: Sequence[Path], deployment: Deployment, preparation: Preparation
) -> Baselines:
    """Load the classical models of all repeats.

    Raises:
        DataError: A file is missing or damaged, a class is not the program's own, or the model
            reads what its preparation does not make.
    """
    model = own(deployment.options, "skiagram.models.classical", "load", folder / DEPLOYMENT)
    fitted: list[FittedClassical] = [model.load(repeat) for repeat in repeats]
    families = [
        _family(options, folder)
        for options in preparation.features
        if options.get("_target_") != f"{Covariates.__module__}.{Covariates.__qualname__}"
    ]
    read = [name for one in fitted for name in one.features]
    beside = covariate_features(read, preparation.covariates)
    known = {name for family in families for name in family.names()}
    if not known.union(one.name for one in beside).issuperset(read):
        raise DataError(
            "reads features that its preparation does not extract",
            where=str(folder),
            remedy=WHOLE,
        )
    return Baselines(families, fitted, beside)


def _family(options: dict[str, Any], folder: Path) -> Any:
    """Build a feature family of images; what a network learned lies in the model's folder."""
    learned = str(options.get("_target_", "")).startswith("skiagram.models.deep.")
    package = "skiagram.models.deep" if learned else "skiagram.features"
    family = own(options, package, "names", folder / PREPARATION)
    return family.kept(folder / LEARNED) if isinstance(family, LearnedElsewhere) else family
